import { type ClassifyResponse, classifyResponse, problem } from 'shared/contract/responses';
import { expect, inject, test, vi } from 'vitest';
import { ask } from '../../test/ask.ts';
import { createApp } from '../app.ts';
import { defaultLimits } from '../limits.ts';

const host = inject('imageHost');
const app = createApp({ ...defaultLimits, maxBytes: 300_000, maxFormBytes: 200_000 });

async function readImage(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fetch(`${host}/${name}`)).arrayBuffer());
}

function post(
  body: BodyInit | null,
  headers: Record<string, string> = {},
  query = '',
): Promise<Response> {
  return ask(app, `/classify${query}`, { method: 'POST', body, headers });
}

async function bodyOf(response: Response): Promise<ClassifyResponse> {
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return classifyResponse.parse(await response.json());
}

async function codeOf(response: Response): Promise<string> {
  return problem.parse(await response.json()).code;
}

// The second type is what curl sends with any body.
test.each(['image/png', 'application/x-www-form-urlencoded', 'application/octet-stream'])(
  'classifies a body of type %s',
  async (type) => {
    const body = await readImage('coffee-224.png');
    const { image, predictions } = await bodyOf(await post(body, { 'content-type': type }));
    expect(image).toMatchObject({ format: 'png', width: 224, bytes: body.length });
    expect(predictions[0]?.index).toBe(967);
  },
);

test('classifies a body that arrives in pieces', async () => {
  const bytes = await readImage('coffee-224.png');
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const sending = (async () => {
    for (let at = 0; at < bytes.length; at += 10_000) {
      await writer.write(bytes.subarray(at, at + 10_000));
    }
    await writer.close();
  })();
  const { predictions } = await bodyOf(await post(readable));
  await sending;
  expect(predictions[0]?.index).toBe(967);
});

test('classifies the file in a form', async () => {
  const form = new FormData();
  form.set('image', new File([await readImage('coffee-224.png')], 'coffee.png'));
  form.set('note', 'mine');
  const { image, predictions } = await bodyOf(await post(form, {}, '?top=2&model=imagenet'));
  expect(image.format).toBe('png');
  expect(predictions).toHaveLength(2);
  expect(predictions[0]?.index).toBe(967);
});

test('reports the time of each stage', async () => {
  const response = await post(await readImage('coffee-224.png'));
  const stages = response.headers.get('server-timing')?.match(/\w+(?=;dur=)/g);
  expect(stages).toEqual(['receive', 'decode', 'preprocess', 'inference']);
});

test('refuses a form without an image, with two, broken, or too large', async () => {
  expect(await codeOf(await post(null))).toBe('invalid_request');
  expect(await codeOf(await post(''))).toBe('invalid_request');
  const none = new FormData();
  none.set('image', 'https://example.com/cat.jpg');
  expect(await codeOf(await post(none))).toBe('invalid_request');
  const two = new FormData();
  two.append('image', new File(['a'], 'a.png'));
  two.append('image', new File(['b'], 'b.png'));
  expect(await codeOf(await post(two))).toBe('invalid_request');
  const type = { 'content-type': 'multipart/form-data; boundary=x' };
  expect(await codeOf(await post('no form', type))).toBe('invalid_request');
  const large = new FormData();
  large.set('image', new File([new Uint8Array(200_001)], 'large.png'));
  expect(await codeOf(await post(large))).toBe('image_too_large');
  expect(await codeOf(await post(new Uint8Array(300_001)))).toBe('image_too_large');
  expect(await codeOf(await post(new Uint8Array(300_000)))).toBe('unsupported_image');
});

test('refuses a form of many parts, each of which would become a file', async () => {
  const form = new FormData();
  for (let i = 0; i < 120; i++) form.append(`part ${i}`, new File([], 'a'));
  const response = await post(form);
  expect(problem.parse(await response.json()).detail).toContain('at most 100 parts');
});

test('accepts the url of an image as JSON', async () => {
  const json = { 'content-type': 'application/json; charset=utf-8' };
  const url = `${host}/coffee-224.png`;
  const response = await ask(app, '/classify?top=2', {
    method: 'POST',
    body: JSON.stringify({ url }),
    headers: json,
  });
  expect(response.headers.get('cache-control')).toBe('public, max-age=3600');
  expect(classifyResponse.parse(await response.json()).predictions).toHaveLength(2);
  const body = JSON.stringify({ url, model: 'imagenet', top: 3 });
  const more = classifyResponse.parse(await (await post(body, json, '?top=1')).json());
  expect(more.model.id).toBe('imagenet');
  expect(more.predictions).toHaveLength(3);
  expect(more.predictions[0]?.index).toBe(967);
});

test.each([
  ['{}', 'invalid_request'],
  ['{', 'invalid_request'],
  ['', 'invalid_request'],
  ['[]', 'invalid_request'],
  ['null', 'invalid_request'],
  ['{"url":1}', 'invalid_request'],
  ['{"url":"http://example.com/","size":1}', 'invalid_request'],
  ['{"url":"http://example.com/","top":"5"}', 'invalid_request'],
  ['{"url":"cat.jpg"}', 'invalid_url'],
  ['{"url":"http://10.0.0.1/"}', 'blocked_target'],
  ['{"url":"http://example.com/","model":"none"}', 'unknown_model'],
  [`{"url":"${'a'.repeat(70_000)}"}`, 'body_too_large'],
])('refuses the JSON %s as %s', async (body, code) => {
  expect(await codeOf(await post(body, { 'content-type': 'application/json' }))).toBe(code);
});

test.each([
  ['{"url":"https://example.com/cat.jpg"}', 'application/x-www-form-urlencoded'],
  [' {\n "url": "https://example.com/cat.jpg"}', 'text/plain'],
  ['url=https%3A%2F%2Fexample.com%2Fcat.jpg', 'application/x-www-form-urlencoded'],
  ['https://example.com/cat.jpg', 'text/plain'],
])('explains how to send a url where the body is %s', async (body, type) => {
  const { code, detail } = problem.parse(await (await post(body, { 'content-type': type })).json());
  expect(code).toBe('invalid_request');
  expect(detail).toContain('Content-Type: application/json');
});

const impatient = createApp({ ...defaultLimits, uploadGraceMs: 100, minUploadRate: 100_000 });

/** Sends `bytes`, and then a few bytes at intervals until the upload is refused. */
async function sendSlowly(bytes: number, trickle: number, path = '/classify', type = 'image/png') {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const init = { method: 'POST', body: readable, headers: { 'content-type': type } };
  const pending = ask(impatient, path, init);
  const sending = (async () => {
    await writer.write(new Uint8Array(bytes));
    while (trickle > 0) {
      await writer.write(new Uint8Array(trickle));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })().catch(() => undefined);
  const response = await pending;
  await writer.abort().catch(() => undefined);
  await sending;
  return response;
}

test.each([
  ['stops at once', 1, 0],
  ['stops after a piece', 40_000, 0],
  ['stops after pieces', 1_000_000, 0],
  ['trickles', 1, 10],
  ['trickles after a rush', 1_000_000, 100],
])('an upload that %s ends with a problem', async (_, bytes, trickle) => {
  expect(await codeOf(await sendSlowly(bytes, trickle))).toBe('upload_timeout');
});

test.each([
  ['/classify', 'application/json'],
  ['/classify/batch', 'application/json'],
  ['/classify', 'multipart/form-data; boundary=x'],
])('so does a body for %s of type %s that does not arrive', async (path, type) => {
  expect(await codeOf(await sendSlowly(2, 1, path, type))).toBe('upload_timeout');
});

test('an upload that takes too long in total ends with a problem', async () => {
  const app = createApp({ ...defaultLimits, uploadTimeoutMs: 50 });
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  writer.write(new Uint8Array(10)).catch(() => undefined);
  expect(await codeOf(await ask(app, '/classify', { method: 'POST', body: readable }))).toBe(
    'upload_timeout',
  );
});

test('an upload that breaks off is not an internal error', async () => {
  const log = vi.spyOn(console, 'error');
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const response = post(readable);
  await writer.write(new Uint8Array(10));
  await writer.abort(new Error('gone'));
  expect(await codeOf(await response)).toBe('invalid_request');
  expect(log).not.toHaveBeenCalled();
  log.mockRestore();
});

test('refuses an unknown query parameter', async () => {
  const body = await readImage('coffee-224.png');
  expect(await codeOf(await post(body, {}, '?url=http://example.com/'))).toBe('invalid_request');
  expect(await codeOf(await post(body, {}, '?model=none'))).toBe('unknown_model');
});
