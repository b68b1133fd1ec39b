/**
 * Deploys the Worker and reports who may use it: `pnpm --filter edge run deploy`, with any options of
 * `wrangler deploy`. It sets a limit of CPU time where the account's plan allows one. `--jobs` deploys
 * with jobs, and makes the queues and the bucket that they need; `--search` does so for similar images.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { experimental_readRawConfig } from 'wrangler';
import { extras, readExtraConfig, withExtra } from './extras-config.ts';

/** The folder of the Worker's configuration: that of this package, or a person's own project. */
const folder = process.cwd();

/** CPU time of a request, in milliseconds. A batch of the largest photos takes ten seconds; Cloudflare's limit is 30. */
const CPU_LIMIT_MS = 20_000;

/** With jobs: a chunk of the largest photos takes a minute. Cloudflare's largest limit. */
const CPU_LIMIT_OF_JOBS_MS = 300_000;

/** Cloudflare's error for any limit on the free plan, which stops a request after 10 ms. */
const NO_LIMITS_ON_FREE_PLAN = 100_328;

const require = createRequire(join(folder, 'package.json'));
/** Where Node runs the sources. */
const isCheckout = import.meta.filename.endsWith('.ts');

const configPath = join(folder, 'wrangler.jsonc');
const wanted = extras.filter((extra) => process.argv.includes(`--${extra}`));
const options = wanted.map((extra) => `--${extra}`);
const args = process.argv.slice(2).filter((arg) => !options.includes(arg));
const isDry = args.includes('--dry-run');
const rawConfig = readConfig();
if (!isDry) await makeResources();
process.exitCode = await deploy();
if (process.exitCode === 0 && !isDry) await sayWhatIsOpen();

function readConfig(): typeof rawConfig {
  const { rawConfig } = experimental_readRawConfig({ config: configPath });
  return wanted.reduce((config, extra) => withExtra(config, configPath, extra), rawConfig);
}

/** Makes what a deployment does not make by itself; what is there already stays. */
async function makeResources(): Promise<void> {
  const configs = wanted.map((extra) => readExtraConfig(configPath, extra));
  const runs = configs.flatMap(({ queues, r2_buckets }) => [
    ...r2_buckets.map(({ bucket_name }) => ['r2', 'bucket', 'create', bucket_name]),
    // The one for dead letters comes before the one that names it.
    ...(queues?.consumers ?? []).toReversed().map(({ queue }) => ['queues', 'create', queue]),
  ]);
  for (const run of runs) {
    const { code, output, errors } = await wrangler(run, 'pipe');
    if (code === 0 || /already (exists|taken)/i.test(output + errors)) continue;
    process.stderr.write(output + errors);
  }
}

/** @returns wrangler's exit code */
async function deploy(): Promise<number> {
  if (args.some((arg) => /^(-c|--config)(=|$)/.test(arg))) {
    if (wanted.length > 0) {
      console.error(
        `Expected ${options.join(' and ')} without --config: copy the lines on ${wanted.join(' and ')} of wrangler.jsonc into your configuration.`,
      );
      return 1;
    }
    return deployWith([]);
  }
  if (rawConfig.limits) return deployAs(rawConfig);
  const limits = { cpu_ms: wanted.includes('jobs') ? CPU_LIMIT_OF_JOBS_MS : CPU_LIMIT_MS };
  return deployAs({ ...rawConfig, limits }, async () => {
    console.log("This account's plan takes no CPU limit; deploying without it.");
    return deployAs(rawConfig);
  });
}

async function deployAs(config: object, withoutLimits?: () => Promise<number>): Promise<number> {
  // Next to the original configuration, since its paths are relative.
  const path = join(folder, 'wrangler.deploy.json');
  try {
    await writeFile(path, JSON.stringify(config));
    return await deployWith(['--config', path], withoutLimits);
  } finally {
    await rm(path, { force: true });
  }
}

/** @param withoutLimits is called where the plan refuses the limit, and thereby the deployment */
async function deployWith(
  options: readonly string[],
  withoutLimits?: () => Promise<number>,
): Promise<number> {
  const log = await mkdtemp(join(tmpdir(), 'graft-deploy-'));
  const output = join(log, 'output.ndjson');
  try {
    const variables = { WRANGLER_OUTPUT_FILE_PATH: output };
    const { code, errors } = await wrangler(['deploy', ...options, ...args], 'inherit', variables);
    if (withoutLimits && code !== 0 && (await failureOf(output)) === NO_LIMITS_ON_FREE_PLAN) {
      return withoutLimits();
    }
    process.stderr.write(errors);
    return code;
  } finally {
    await rm(log, { recursive: true });
  }
}

/** @returns the code of the API's error, from wrangler's record of the run */
async function failureOf(output: string): Promise<unknown> {
  const lines = (await readFile(output, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  const events = lines.map((line) => JSON.parse(line) as { type: string; code?: unknown });
  return events.find(({ type }) => type === 'command-failed')?.code;
}

interface RateLimit {
  readonly name: string;
  readonly simple: { readonly limit: number; readonly period: number };
}

async function sayWhatIsOpen(): Promise<void> {
  const names = new Set([...Object.keys(rawConfig.vars ?? {}), ...(await secretNames())]);
  const keys = ['API_KEY_HASHES', 'URL_SIGNING_KEY'].filter((name) => names.has(name));
  if (keys.length > 0) {
    console.log(`Closed: /classify lets in whoever has what ${keys.join(' or ')} asks for.`);
    console.log(`To open it: ${keys.map((name) => secretCommand('delete', name)).join(' && ')}`);
    return;
  }
  const limits = (rawConfig.ratelimits ?? []).map(
    ({ name, simple }: RateLimit) => `${simple.limit} in ${simple.period} s by ${name}`,
  );
  const hosts = names.has('ALLOWED_HOSTS') ? 'a host of ALLOWED_HOSTS' : 'any public host';
  console.log(
    `Open to everyone: /classify and /classify/batch, for images from ${hosts}; requests are limited to ` +
      `${limits.join(', ') || 'no number'}.`,
  );
  console.log(
    `To close it: ${secretCommand('put', 'API_KEY_HASHES')}   (printf '%s' "$key" | sha256sum shows a key's hash)`,
  );
}

function secretCommand(verb: 'put' | 'delete', name: string): string {
  return `${isCheckout ? 'pnpm --filter edge exec' : 'npx'} wrangler secret ${verb} ${name}`;
}

/** The names of the deployed Worker's secrets; empty where Cloudflare does not report them. */
async function secretNames(): Promise<string[]> {
  const { code, output } = await wrangler(['secret', 'list', ...sameWorker()], 'pipe');
  if (code !== 0) return [];
  return (JSON.parse(output) as { name: string }[]).map(({ name }) => name);
}

/** The options that select the Worker. */
function sameWorker(): string[] {
  return args.flatMap((arg, i) => {
    const [, option, value] = /^(-e|--env|-c|--config|--name)(=.*)?$/.exec(arg) ?? [];
    if (!option) return [];
    return value ? [arg] : [arg, args[i + 1] ?? ''];
  });
}

async function wrangler(
  run: readonly string[],
  stdout: 'inherit' | 'pipe',
  variables: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly output: string; readonly errors: string }> {
  const bin = join(dirname(require.resolve('wrangler/package.json')), 'bin/wrangler.js');
  const child = spawn(process.execPath, [bin, ...run], {
    cwd: folder,
    stdio: ['inherit', stdout, 'pipe'],
    env: { ...process.env, ...variables },
  });
  const [[code], output, errors] = await Promise.all([
    once(child, 'close'),
    child.stdout ? buffer(child.stdout) : '',
    child.stderr ? buffer(child.stderr) : '',
  ]);
  return { code: (code as number | null) ?? 1, output: `${output}`, errors: `${errors}` };
}
