/**
 * Deploys the Worker and reports who may use it: `pnpm --filter edge run deploy`, with any options of
 * `wrangler deploy`. It sets a limit of CPU time where the account's plan allows one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { experimental_readRawConfig } from 'wrangler';

/** The folder of the Worker's configuration: that of this package, or a person's own project. */
const folder = process.cwd();

/** CPU time of a request, in milliseconds. A batch of the largest photos takes ten seconds; Cloudflare's limit is 30. */
const CPU_LIMIT_MS = 20_000;

/** Cloudflare's error for any limit on the free plan, which stops a request after 10 ms. */
const NO_LIMITS_ON_FREE_PLAN = 100_328;

const require = createRequire(join(folder, 'package.json'));
/** Where Node runs the sources. */
const isCheckout = import.meta.filename.endsWith('.ts');

const args = process.argv.slice(2);
const { rawConfig } = experimental_readRawConfig({ config: join(folder, 'wrangler.jsonc') });
process.exitCode = await deploy();
if (process.exitCode === 0 && !args.includes('--dry-run')) await sayWhatIsOpen();

/** @returns wrangler's exit code */
async function deploy(): Promise<number> {
  const isOwn = rawConfig.limits || args.some((arg) => /^(-c|--config)(=|$)/.test(arg));
  const limited = isOwn ? undefined : await deployWithLimit();
  if (limited !== undefined) return limited;
  return (await wrangler(['deploy', ...args], 'inherit')).code;
}

/** @returns undefined where the plan refuses the limit, and thereby the deployment */
async function deployWithLimit(): Promise<number | undefined> {
  // Next to the original configuration, since its paths are relative.
  const config = join(folder, 'wrangler.deploy.json');
  const log = await mkdtemp(join(tmpdir(), 'graft-deploy-'));
  const output = join(log, 'output.ndjson');
  try {
    const limits = { cpu_ms: CPU_LIMIT_MS };
    await writeFile(config, JSON.stringify({ ...rawConfig, limits }));
    const run = ['deploy', '--config', config, ...args];
    const { code, errors } = await wrangler(run, 'inherit', { WRANGLER_OUTPUT_FILE_PATH: output });
    if (code !== 0 && (await failureOf(output)) === NO_LIMITS_ON_FREE_PLAN) {
      console.log("This account's plan takes no CPU limit; deploying without it.");
      return undefined;
    }
    process.stderr.write(errors);
    return code;
  } finally {
    await rm(config, { force: true });
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
