import { env } from 'cloudflare:workers';
import { problem } from 'shared/contract/responses';
import { expect, test } from 'vitest';
import { ask } from '../../test/ask.ts';
import { createApp } from '../app.ts';
import type { Env } from '../env.ts';
import { readCorsOrigins, readSettings } from './settings.ts';

const app = createApp();
const hash = 'AB'.repeat(32);

function withVariables(variables: Record<string, unknown>): Env {
  return { ...env, ...variables } as Env;
}

test('treats missing variables as unset', () => {
  expect(readSettings(withVariables({}))).toEqual({
    allowLoopback: false,
    allowedHosts: undefined,
    keyHashes: undefined,
    signingKey: undefined,
    contact: undefined,
  });
});

test('parses lists, and normalizes their parts for comparison', () => {
  const settings = readSettings(
    withVariables({
      ALLOW_LOOPBACK: '1',
      ALLOWED_HOSTS: ' Bücher.DE, *.example.com., ,10.0.0.1,[::1]',
      API_KEY_HASHES: `${hash}, `,
      URL_SIGNING_KEY: ' secret ',
      CONTACT: 'mailto:images@example.com',
    }),
  );
  expect(settings).toEqual({
    allowLoopback: true,
    allowedHosts: ['xn--bcher-kva.de', '*.example.com', '10.0.0.1', '[::1]'],
    keyHashes: [hash.toLowerCase()],
    signingKey: ' secret ',
    contact: 'mailto:images@example.com',
  });
  const CORS_ORIGINS = 'https://a.example, http://localhost:3000/, *';
  expect(readCorsOrigins(withVariables({ CORS_ORIGINS }))).toEqual([
    'https://a.example',
    'http://localhost:3000',
    '*',
  ]);
});

test.each([
  ['URL_SIGNING_KEY', ''],
  ['URL_SIGNING_KEY', ' \n'],
  ['URL_SIGNING_KEY', 7],
  ['API_KEY_HASHES', ''],
  ['API_KEY_HASHES', ' , ,'],
  ['API_KEY_HASHES', 'my-key'],
  ['API_KEY_HASHES', `${hash}  -`],
  ['API_KEY_HASHES', `${hash},${hash}0`],
  ['API_KEY_HASHES', [hash]],
  ['ALLOWED_HOSTS', ''],
  ['ALLOWED_HOSTS', ','],
  ['ALLOWED_HOSTS', '*'],
  ['ALLOWED_HOSTS', '*.'],
  ['ALLOWED_HOSTS', 'example.com:8080'],
  ['ALLOWED_HOSTS', 'https://example.com'],
  ['ALLOWED_HOSTS', 'example.com/'],
  ['ALLOWED_HOSTS', 'a@example.com'],
  ['ALLOWED_HOSTS', 'example.com?'],
  ['ALLOWED_HOSTS', 'img.*.example.com'],
  ['ALLOWED_HOSTS', 'a.com b.com'],
  ['ALLOWED_HOSTS', { host: 'a.com' }],
  ['CONTACT', 'somebody'],
  ['CONTACT', 'https://example.com/\nx: y'],
  ['CONTACT', 'https://example.com/)('],
  ['CONTACT', 'http://bücher.de/'],
  ['CONTACT', 1],
  ['CORS_ORIGINS', 'a.example'],
  ['CORS_ORIGINS', 'https://a.example/page'],
  ['CORS_ORIGINS', ','],
  ['CORS_ORIGINS', null],
  ['ALLOW_LOOPBACK', 'true'],
  ['ALLOW_LOOPBACK', 1],
])('reports that %s must not be %j', async (name, value) => {
  const bindings = { [name]: value } as Partial<Env>;
  const response = await ask(app, '/classify?url=http://10.0.0.1/', {}, bindings);
  expect(response.status).toBe(503);
  const { code, detail } = problem.parse(await response.json());
  expect(code).toBe('misconfigured');
  expect(detail).toContain(`variable ${name} `);
});

test.each(['CONTACT', 'CORS_ORIGINS', 'ALLOW_LOOPBACK'])(
  'treats an empty %s as unset',
  async (name) => {
    for (const value of ['', ' ']) {
      const bindings = { [name]: value } as Partial<Env>;
      expect((await ask(app, '/classify?url=http://10.0.0.1/', {}, bindings)).status).toBe(403);
    }
  },
);

test('still responds to /health', async () => {
  expect((await ask(app, '/health', {}, { URL_SIGNING_KEY: '' })).status).toBe(200);
});
