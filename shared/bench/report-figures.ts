/** How every bench ends: one line of JSON and, where asked, a record of the run in `docs/benchmarks/`. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A run of a bench, as `docs/benchmarks/<bench>.json` keeps it. */
export interface RecordedRun<Figures extends object = object> {
  /** How it was started, from the root of the repository. */
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  /** Abbreviated; ends with `+` where files had been changed since. */
  readonly commit: string;
  readonly machine: {
    readonly processor: string;
    /** Of those that decide how fast our kernels are, what the processor has; empty where the system does not say. */
    readonly instructions: readonly string[];
    readonly cores: number;
    /** In 10^9 bytes. */
    readonly memoryGb: number;
    readonly node: string;
  };
  /** The last line that the bench printed. */
  readonly figures: Figures;
}

const INSTRUCTIONS = ['avx2', 'avx_vnni', 'avx512f', 'avx512_vnni', 'amx_int8', 'asimddp', 'i8mm'];

/**
 * Prints a bench's figures as one line of JSON, the last of its output. With `--record` on the command line,
 * the run replaces the last one in `docs/benchmarks/`.
 *
 * @param bench of `pnpm --filter <package> <script>`, for example `edge bench:decoders`
 * @param figures with each ratio as `ratio_<peer>`, above 1 where we lead; fractions are kept to four digits
 */
export async function reportFigures(bench: string, figures: object): Promise<void> {
  const line = JSON.stringify(figures, (_, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
  );
  // The last line of the output, and nothing that happens later takes it away.
  console.log(line);
  if (process.argv.includes('--record')) await record(bench, JSON.parse(line) as object);
}

/** Where the last recorded run of a bench is. */
function recordOf(bench: string): string {
  const name = bench.replace(/\W+/g, '-');
  return fileURLToPath(new URL(`../../docs/benchmarks/${name}.json`, import.meta.url));
}

async function record(bench: string, figures: object): Promise<void> {
  const run: RecordedRun = {
    command: `pnpm --filter ${[bench, ...process.argv.slice(2).filter((word) => word !== '--record')].map(withoutPaths).join(' ')}`,
    date: new Date().toISOString().slice(0, 10),
    commit: await findCommit(),
    machine: {
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      instructions: await findInstructions(),
      cores: availableParallelism(),
      memoryGb: Math.round(totalmem() / 1e9),
      node: process.version,
    },
    figures,
  };
  await writeFile(recordOf(bench), `${JSON.stringify(run, null, 2)}\n`);
}

/** Where a person's files are is nobody else's concern. */
function withoutPaths(word: string): string {
  return word.replace(/^(--[^=]+=)?.*[/\\].*$/, '$1<path>');
}

async function findCommit(): Promise<string> {
  const git = async (...words: string[]) =>
    (await promisify(execFile)('git', words, { cwd: import.meta.dirname })).stdout.trim();
  const changed = await git(
    'status',
    '--porcelain',
    '--untracked-files=no',
    '--',
    ':/',
    ':(top,exclude)docs',
  );
  return (await git('rev-parse', '--short=9', 'HEAD')) + (changed ? '+' : '');
}

async function findInstructions(): Promise<string[]> {
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(info)?.[1]?.trim().split(' '));
  return INSTRUCTIONS.filter((name) => flags.has(name));
}
