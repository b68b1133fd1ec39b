/**
 * Tests a deployed Worker: `pnpm --filter edge smoke https://graft.example.workers.dev`. It sends the API
 * key in GRAFT_API_KEY, if set.
 */
import { readFile } from 'node:fs/promises';
import {
  classifyResponse,
  healthResponse,
  modelsResponse,
  problem,
} from 'shared/contract/responses';

const [base] = process.argv.slice(2);
if (!base || !URL.canParse(base)) {
  console.error('Give the url of the Worker: pnpm --filter edge smoke https://graft.example.com');
  process.exit(2);
}
const key = process.env['GRAFT_API_KEY'];
const headers: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
const coffee = await readFile(new URL('../../shared/fixtures/coffee-224.png', import.meta.url));

const checks: Record<string, () => Promise<string>> = {
  'computes on WASM': async () => {
    const { backend } = healthResponse.parse(await json('/health'));
    return expect(backend, 'wasm');
  },
  'has models': async () => {
    const { default: fallback, models } = modelsResponse.parse(await json('/models'));
    expect(models.length > 0, true);
    return `${models.map(({ id, version }) => `${id}@${version}`).join(', ')}; default ${fallback}`;
  },
  'describes itself': async () => expect(((await json('/openapi.json')) as Api).openapi, '3.1.0'),
  'recognizes a cup of coffee': async () => {
    const { models } = modelsResponse.parse(await json('/models'));
    const body = { method: 'POST', body: coffee };
    const model = models.some(({ id }) => id === 'imagenet') ? '?model=imagenet' : '';
    const response = classifyResponse.parse(await json(`/classify${model}`, body));
    const [best] = response.predictions;
    if (model) expect(best?.label, 'espresso');
    return `${best?.label} ${best?.probability.toFixed(2)}`;
  },
  'does not fetch from private addresses': () =>
    refusal('/classify?url=http://169.254.169.254/', 'blocked_target'),
  'does not fetch from itself': () =>
    refusal('/classify?url=http://127.0.0.1:8787/', 'blocked_target'),
  'refuses an invalid url': () => refusal('/classify?url=cat.jpg', 'invalid_url'),
};

interface Api {
  readonly openapi: string;
}

let failures = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    console.log(`✓ ${name}: ${await check()}`);
  } catch (error) {
    failures += 1;
    console.error(`✗ ${name}: ${(error as Error).message}`);
  }
}
process.exitCode = failures > 0 ? 1 : 0;

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(new URL(path, base), { ...init, headers, signal: AbortSignal.timeout(30_000) });
}

async function json(path: string, init?: RequestInit): Promise<unknown> {
  const response = await ask(path, init);
  if (!response.ok) throw new Error(`responded with ${response.status}: ${await response.text()}`);
  return response.json();
}

async function refusal(path: string, code: string): Promise<string> {
  const response = await ask(path);
  expect(response.headers.get('x-content-type-options'), 'nosniff');
  return expect(problem.parse(await response.json()).code, code);
}

function expect<T>(actual: T, expected: T): string {
  if (actual === expected) return `${actual}`;
  throw new Error(`expected ${expected}, got ${actual}`);
}
