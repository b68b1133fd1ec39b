import { type ClassifyResponse, classifyResponse, problem } from 'shared/contract/responses';
import { expect, inject, test } from 'vitest';
import { ask } from '../../../test/ask.ts';
import { seenAt } from '../../../test/seen.ts';
import { createApp } from '../../app.ts';
import { defaultLimits } from '../../limits.ts';

const host = inject('imageHost');
const { good, bad, picky } = inject('oddPaths');
const app = createApp({ ...defaultLimits, maxBytes: 1_000_000 });

function classify(path: string, bindings = {}): Promise<Response> {
  const query = new URLSearchParams({ url: `${host}${path}`, model: 'imagenet' });
  const headers = { 'cache-control': 'no-store' };
  return ask(app, `/classify?${query}`, { headers }, bindings);
}

async function bodyOf(response: Response): Promise<ClassifyResponse> {
  const body = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(200);
  return classifyResponse.parse(body);
}

// The caller's own url must not contain a stray percent sign; a redirect may.
test.each([...good, ...picky].filter((name) => !/%(?![0-9a-f]{2})/i.test(name)))(
  'gets the image of a host that responds with %s',
  async (name) => {
    const { image, predictions } = await bodyOf(await classify(`/odd/${name}`));
    expect(image).toMatchObject({ format: 'jpeg', width: 451 });
    expect([281, 282, 285]).toContain(predictions[0]?.index);
  },
);

test.each(bad)('reports what is wrong with a host that responds with %s', async (name, says) => {
  const response = await classify(`/odd/${name}`);
  expect(response.status).toBeGreaterThan(400);
  expect(response.status).not.toBe(500);
  expect(problem.parse(await response.json()).detail).toContain(says);
});

test('gives hosts a contact of the operator', async () => {
  const path = '/odd/plain?by=operator';
  const seen = async () => (await seenAt(host, path)).headers?.['user-agent'];
  await classify(path);
  expect(await seen()).toBe('graft/1.0 (http://localhost/)');
  await classify(path, { CONTACT: 'images@example.com' });
  expect(await seen()).toBe('graft/1.0 (images@example.com)');
});

test.each(['gzip', 'x-gzip', 'deflate', 'deflate-then-gzip'])(
  'stops a %s bomb before it fills the memory',
  async (coding) => {
    const response = await classify(`/bomb?coding=${coding}`);
    expect(problem.parse(await response.json()).code).toBe('image_too_large');
  },
);
