import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modelId } from 'shared/model-card';
import { configs } from './config/registry.ts';
import type { TrainConfig } from './config/train-config.ts';
import { diagnose } from './doctor.ts';
import { TrainerError } from './errors.ts';
import { exportPretrained } from './export/export-pretrained.ts';
import { setUp } from './runtime/set-up.ts';
import { backendNames, startBackend } from './runtime/start-backend.ts';
import { checkpointIn, loadCheckpoint } from './stages/checkpoint.ts';
import { train } from './train.ts';

const BACKENDS = ['auto', ...backendNames] as const;

const HELP = `Usage: pnpm --filter trainer train [options]

Trains a classifier on a network pretrained on ImageNet and exports it for the Worker.

  --data <folder>    photos in class folders, cat/1.jpg, or in train, valid and test folders of
                     such (default: CIFAR-10, which comes with the dependencies)
  --strict           fail at a file that is no picture, rather than skip it
  --config <name>    the experiment: ${Object.keys(configs).join(', ')} (default: fast)
  --backend <name>   ${BACKENDS.join(', ')} (default: auto, the fastest that works)
  --threads <n>      of the processor (default: all cores)
  --resume <folder>  go on with an interrupted run, such as trainer/runs/2026-01-31T12-00-00-fast
  --id <id>          id of the model (default: the folder's name, or cifar10)
  --models <folder>  where models go (default: edge/public/models, which the Worker serves)
  --runs <folder>    where checkpoints and logs go (default: trainer/runs)
  --help             this text

       pnpm --filter trainer run export
Exports the pretrained network itself, with ImageNet's 1,000 classes, as the model imagenet.

       pnpm --filter trainer run doctor
Tries every backend, measures each and says how to add what is missing.

       pnpm --filter trainer run setup [--cuda]
Downloads TensorFlow and builds the native backend, or with --cuda the one for NVIDIA cards.
`;

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

async function main(): Promise<void> {
  const { values, positionals } = parseCommandLine();
  const say = (line: string) => console.log(line);
  const models = fromUser(values.models) ?? join(packageFolder, '../edge/public/models');
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) return console.log(HELP);
  if (rest.length > 0) throw usage(`Expected one command, but got ${positionals.join(' ')}.`);
  switch (command) {
    case 'train': {
      const { directory, config, data } = await chooseRun(values);
      const interrupt = new AbortController();
      process.once('SIGINT', () => {
        interrupt.abort(
          new TrainerError(
            'interrupted',
            `Stopped. Go on with: pnpm --filter trainer train --resume ${directory}`,
          ),
        );
      });
      await train(config, {
        directory,
        resume: values.resume !== undefined,
        data,
        strict: values.strict,
        models,
        modelId: idOf(values.id),
        backend: backendOf(values.backend),
        threads: threadsOf(values.threads),
        command: ['pnpm --filter trainer train', ...publicArguments()].join(' '),
        signal: interrupt.signal,
        say,
      });
      return;
    }
    case 'export':
      await startBackend(backendOf(values.backend), say, { threads: threadsOf(values.threads) });
      await exportPretrained('efficientnet-lite0', join(models, 'imagenet'));
      return say(`Written to ${join(models, 'imagenet')}.`);
    case 'doctor':
      return diagnose(say);
    case 'setup':
      return setUp(values.cuda ? 'cuda' : 'native', say);
    default:
      throw usage(`There is no command ${command}.`);
  }
}

function parseCommandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        data: { type: 'string' },
        strict: { type: 'boolean', default: false },
        config: { type: 'string' },
        backend: { type: 'string', default: 'auto' },
        threads: { type: 'string' },
        cuda: { type: 'boolean', default: false },
        resume: { type: 'string' },
        id: { type: 'string' },
        models: { type: 'string' },
        runs: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (cause) {
    const [line = ''] = (cause as Error).message.split('\n');
    throw usage(line.replace(/\.?$/, '.'), cause);
  }
}

/** A new run's folder and experiment, or those of the run to go on with. */
async function chooseRun(
  values: Partial<Record<'data' | 'config' | 'resume' | 'runs', string | undefined>>,
): Promise<{ directory: string; config: TrainConfig; data: string | null }> {
  const resumed = fromUser(values.resume);
  if (resumed !== undefined) {
    const { header } = await loadCheckpoint(checkpointIn(resumed));
    return { directory: resumed, config: header.config, data: header.data };
  }
  const name = values.config ?? 'fast';
  const config = Object.hasOwn(configs, name) ? configs[name] : undefined;
  if (!config) {
    throw usage(
      `Expected one of ${Object.keys(configs).join(', ')} for --config, but got ${name}.`,
    );
  }
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return {
    directory: join(fromUser(values.runs) ?? join(packageFolder, 'runs'), `${time}-${name}`),
    config,
    data: fromUser(values.data) ?? null,
  };
}

/** A path is meant from where the command was typed: `pnpm --filter` moves into the package. */
function fromUser(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(process.env['INIT_CWD'] ?? '.', path);
}

/** The arguments, but of paths the last part only: the model card that holds them is public. */
function publicArguments(): string[] {
  return process.argv.slice(3).map((argument) => basename(argument));
}

function idOf(id: string | undefined): string | undefined {
  const parsed = modelId.optional().safeParse(id);
  if (parsed.success) return id;
  throw usage(`Expected ${parsed.error.issues[0]?.message} for --id, but got ${id}.`);
}

function backendOf(name: string): (typeof BACKENDS)[number] {
  const backend = BACKENDS.find((known) => known === name);
  if (!backend)
    throw usage(`Expected one of ${BACKENDS.join(', ')} for --backend, but got ${name}.`);
  return backend;
}

function threadsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const threads = Number(text);
  if (Number.isInteger(threads) && threads >= 1 && threads <= 1024) return threads;
  throw usage(`Expected a whole number from 1 for --threads, but got ${text}.`);
}

function usage(message: string, cause?: unknown): TrainerError {
  return new TrainerError('config_invalid', `${message} See --help.`, cause);
}

main().catch((error: unknown) => {
  if (!(error instanceof TrainerError)) throw error;
  console.error(error.message);
  process.exitCode = error.code === 'interrupted' ? 130 : 1;
});
