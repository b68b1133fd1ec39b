import { expect, test } from 'vitest';
import card from '../../fixtures/model-card.json' with { type: 'json' };
import { classifyResponse, modelsResponse, problem } from './responses.ts';
import { classifyQuery, problemStatus } from './wire.ts';

const url = 'https://example.com/cat.jpg';

test('asks for five predictions of the default model unless told otherwise', () => {
  expect(classifyQuery.parse({ url })).toEqual({ url, top: 5 });
  expect(classifyQuery.parse({ url, model: 'pets', top: '7' })).toEqual({
    url,
    model: 'pets',
    top: 7,
  });
});

test.each(['1', '100'])('takes top=%s', (top) => {
  expect(classifyQuery.parse({ url, top }).top).toBe(Number(top));
});

test.each(['0', '-1', '101', '1e9', '2.5', '', ' ', 'NaN', 'Infinity', 'five', '5;', '1,2'])(
  'refuses top=%s',
  (top) => {
    const { error } = classifyQuery.safeParse({ url, top });
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(['top']);
  },
);

test('refuses a query without a url, with two, or with a parameter that it does not know', () => {
  expect(classifyQuery.safeParse({}).error?.issues[0]?.path).toEqual(['url']);
  expect(classifyQuery.safeParse({ url: [url, url] }).error?.issues[0]?.path).toEqual(['url']);
  expect(classifyQuery.safeParse({ url, size: '9' }).error?.issues[0]?.code).toBe(
    'unrecognized_keys',
  );
});

test('holds an answer to probabilities from 0 to 1 and known formats', () => {
  const answer = {
    model: { id: 'pets', version: '0123456789ab' },
    image: { width: 4, height: 3, format: 'png', bytes: 80 },
    predictions: [{ label: 'cat', index: 0, probability: 1, synset: 'n02121808' }],
  };
  expect(classifyResponse.parse(answer)).toEqual(answer);
  const [cat] = answer.predictions;
  const wrong = [
    { ...answer, predictions: [{ ...cat, probability: 1.01 }] },
    { ...answer, predictions: [{ ...cat, probability: Number.NaN }] },
    { ...answer, image: { ...answer.image, format: 'tiff' } },
    { ...answer, image: { ...answer.image, width: 0 } },
  ];
  expect(wrong.map((value) => classifyResponse.safeParse(value).success)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('lists a model by what its card says of it', () => {
  const { id, title, accuracy } = card;
  const version = '0123456789ab';
  const numbers = { version, versions: [version], classes: 2, size: 128, bytes: 12 };
  const answer = { default: id, models: [{ id, title, accuracy, ...numbers }] };
  expect(modelsResponse.parse(answer)).toEqual(answer);
  expect(modelsResponse.safeParse({ default: id, models: [{ id, title, accuracy }] }).success).toBe(
    false,
  );
});

test('knows each problem by its code, and each code has an error status', () => {
  const body = {
    type: 'about:blank',
    title: 'No such model',
    status: 404,
    detail: 'There is none.',
  };
  for (const code of Object.keys(problemStatus)) {
    expect(problem.safeParse({ ...body, code }).success, code).toBe(true);
  }
  expect(problem.safeParse({ ...body, code: 'teapot' }).success).toBe(false);
  for (const status of Object.values(problemStatus)) {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
  }
});
