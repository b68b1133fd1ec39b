import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import worker, { classifier, type Env } from './library.ts';

const app = new Hono<{ Bindings: Env }>();
app.get('/', (c) => c.text('mine'));
app.route('/vision', classifier({ limits: { maxUrlLength: 30 } }));

const ask = async (path: string, init?: RequestInit) => app.request(path, init, env);

test('responds below the path that it is mounted at', async () => {
  expect(await (await ask('/vision/health')).json()).toMatchObject({ status: 'ok' });
  expect((await ask('/vision/openapi.json')).status).toBe(200);
});

test('leaves the rest of the app as it is', async () => {
  const mine = await ask('/');
  expect(await mine.text()).toBe('mine');
  expect(mine.headers.get('content-security-policy')).toBeNull();
  expect(await (await ask('/nowhere')).text()).toBe('404 Not Found');
});

test('takes the limits that it is given, and refuses in its own words', async () => {
  const long = await ask(`/vision/classify?url=https://example.com/${'a'.repeat(40)}`);
  expect(long.status).toBe(400);
  expect(await long.json()).toMatchObject({ detail: expect.stringContaining('30') });
  expect(await (await ask('/vision/nowhere')).json()).toMatchObject({ status: 404 });
});

test('is a whole Worker too', async () => {
  const response = await worker.fetch?.(
    new Request('https://example.com/health') as never,
    env as never,
    {} as never,
  );
  expect(response?.status).toBe(200);
});
