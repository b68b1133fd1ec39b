import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { arithmetics } from 'shared/model-card';
import { freezeLayers, trimModel } from './backbones/edit-model.ts';
import { buildBackbone } from './backbones/registry.ts';
import { configFields, describeFields, overrideConfig } from './config/config-fields.ts';
import { configs } from './config/registry.ts';
import type { TrainConfig } from './config/train-config.ts';
import { knownDatasets, openDataset } from './datasets/open-dataset.ts';
import { describeDataset, listDatasets } from './describe-datasets.ts';
import { diagnose } from './doctor.ts';
import { TrainerError } from './errors.ts';
import { evaluateModel, formatEvaluation } from './evaluate-model.ts';
import { exportPretrainedKeras, exportRunKeras } from './export/export-keras.ts';
import { exportPretrained } from './export/export-pretrained.ts';
import { quantizations } from './export/quantize.ts';
import { findLr } from './find-lr.ts';
import { loadModel, loadPretrained } from './load-model.ts';
import {
  BACKENDS,
  backboneOf,
  backendOf,
  choiceOf,
  configOf,
  dataOf,
  fromUser,
  idOf,
  layerOf,
  oneOf,
  positiveOf,
  threadsOf,
  usage,
  weightsOf,
  within,
} from './option-values.ts';
import { type OptionValues, parseCommandLine } from './parse-command-line.ts';
import { formatPredictions, isUrl, predict } from './predict.ts';
import { startProgress } from './report/progress.ts';
import { writeReport } from './report/write-report.ts';
import { setUp } from './runtime/set-up.ts';
import { startBackend } from './runtime/start-backend.ts';
import { checkpointIn, loadCheckpoint } from './stages/checkpoint.ts';
import { summarize } from './summary.ts';
import { train } from './train.ts';

const help = (config: TrainConfig) => `Usage: pnpm --filter trainer train [options]

Trains a classifier on a network pretrained on ImageNet and exports it for the Worker.

  --data <what>      photos in class folders, cat/1.jpg, or in train, valid and test folders of such;
                     CIFAR's binary files; or ${Object.keys(knownDatasets).join(', ')} (default: cifar10)
  --strict           fail at a file that is no picture, rather than skip it
  --photos <folder>  real photos in class folders, to measure the finished model on too
  --config <name>    the experiment: ${Object.keys(configs).join(', ')} (default: fast)
  --backend <name>   ${BACKENDS.join(', ')} (default: auto, the fastest that works)
  --threads <n>      of the processor (default: all cores)
  --resume <run>     go on with an interrupted run, named by its folder: 2026-01-31T12-00-00-fast
  --id <id>          id of the model (default: the folder's name, or cifar10)
  --models <folder>  where models go (default: edge/public/models, which the Worker serves)
  --runs <folder>    where checkpoints and logs go (default: trainer/runs)
  --help             this text

Every setting of the experiment can be given, such as --stage2.epochs 3; these are those of ${config.name}:

${describeFields(config)}

       pnpm --filter trainer run find-lr [--stage 2, and all that train takes]
Tries rising learning rates on 1,000 pictures, and suggests a peak.
  --stage <1 or 2>   which stage's (default: 2)

       pnpm --filter trainer run export [--backbone, --weights, --id, --models, --quantize, --arithmetic, --data]
Exports the pretrained network itself, with ImageNet's 1,000 classes, as the model imagenet.
  --data <folder>    what --quantize mixed measures on (default: CIFAR-10)
  --keras <file>     write weights for Keras instead, as model.weights.h5
  --run <run>        with --keras: those of a run, named by its folder

       pnpm --filter trainer run summary [--backbone, --include-top, --size, --trim, --freeze]
Prints a network's layers and how many weights it has.
  --include-top      with the classifier

       pnpm --filter trainer run predict <pictures> [--model, --top 5, --json]
Prints what a model sees in pictures, which are files or urls.
  --model <id>       one of the models, or the folder of one (default: a network pretrained on
                     ImageNet: --backbone, --weights)
  --json             a line of JSON for each picture

       pnpm --filter trainer run evaluate <model> [--data, --strict, --models, --json]
Measures a model, by its id or folder, on the test pictures of a data set.
  --json             all of it in one line of JSON

       pnpm --filter trainer run report <run> [--runs]
Writes a run's report.html anew, also while it is not over. A run is named by its folder.

       pnpm --filter trainer run datasets [<name or path>]
Lists the data sets, or says what is in one: classes, splits, damaged files, repeated pictures.

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
  const runs = fromUser(values.runs) ?? join(packageFolder, 'runs');
  const [command, ...rest] = positionals;
  if (values.help || command === undefined || command === 'help')
    return console.log(help(configOf(values.config)));
  const backbone = backboneOf(values.backbone ?? 'efficientnet-lite0');
  const weights = weightsOf(values.weights ?? 'imagenet');
  if (rest.length > 0 && !['predict', 'evaluate', 'report', 'datasets'].includes(command)) {
    throw usage(`Expected one command, but got ${positionals.join(' ')}.`);
  }
  switch (command) {
    case 'train': {
      const { directory, config, data } = await chooseRun(values, runs);
      const interrupt = new AbortController();
      // Ctrl-C, and what a machine sends that is about to be taken away.
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.once(signal, () => {
          interrupt.abort(
            new TrainerError(
              'interrupted',
              `Stopped. Go on with: ${resumeCommand(directory, values, models)}`,
            ),
          );
        });
      }
      await train(config, {
        directory,
        resume: values.resume !== undefined,
        data,
        strict: values.strict,
        photos: fromUser(values.photos),
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
    case 'find-lr': {
      const stage = values.stage ?? '2';
      if (stage !== '1' && stage !== '2')
        throw usage(`Expected 1 or 2 for --stage, but got ${stage}.`);
      const { config, data } = await chooseRun(values, runs);
      await startBackend(backendOf(values.backend), say, { threads: threadsOf(values.threads) });
      const { signal } = new AbortController();
      return say(
        await findLr(config, stage === '1' ? 1 : 2, { data, strict: values.strict, signal, say }),
      );
    }
    case 'export': {
      const threads = threadsOf(values.threads);
      const keras = fromUser(values.keras);
      if (keras !== undefined) {
        if (!keras.endsWith('.weights.h5')) {
          throw usage(`Expected --keras to end in .weights.h5, as Keras does, but got ${keras}.`);
        }
        await startBackend(backendOf(values.backend), say, { threads });
        if (values.run === undefined) await exportPretrainedKeras(keras, backbone, weights);
        else await exportRunKeras(keras, within(runs, values.run));
        return say(`Written to ${keras}.`);
      }
      const quantize = choiceOf('quantize', quantizations, values.quantize ?? 'uint8');
      const arithmetic = choiceOf('arithmetic', arithmetics, values.arithmetic ?? 'int8');
      const pictures = async (size: number) => {
        const { strict, data } = values;
        const { signal } = new AbortController();
        const options = { size, strict, signal, say, startProgress };
        const { train: set } = await openDataset(data === undefined ? null : dataOf(data), options);
        return { set, indices: [...Array(set.length).keys()] };
      };
      await startBackend(backendOf(values.backend), say, { threads });
      const target = join(models, idOf(values.id) ?? 'imagenet');
      await exportPretrained(backbone, weights, target, {
        quantize: quantize === 'mixed' ? pictures : quantize,
        arithmetic,
      });
      return say(`Written to ${target}.`);
    }
    case 'summary': {
      // Only its shapes matter: no backend is quicker to start.
      await startBackend('cpu', () => {});
      const model = buildBackbone(backbone, {
        ...(values.size === undefined ? {} : { size: positiveOf('size', values.size) }),
        includeTop: values['include-top'],
        initialize: false,
      });
      const trimmed = values.trim === undefined ? model : trimModel(model, layerOf(values.trim));
      freezeLayers(trimmed, layerOf(values.freeze ?? '0'));
      return say(summarize(trimmed));
    }
    case 'predict': {
      if (rest.length === 0) throw usage('Expected pictures, files or urls, but got none.');
      const top = positiveOf('top', values.top);
      await startBackend(backendOf(values.backend), () => {}, {
        threads: threadsOf(values.threads),
      });
      const classifier =
        values.model === undefined
          ? await loadPretrained(backbone, weights)
          : await loadModel(within(models, values.model));
      for (const picture of rest) {
        const source = isUrl(picture) ? picture : (fromUser(picture) as string);
        try {
          const predictions = await predict(classifier, source, top);
          if (values.json) say(JSON.stringify({ picture, predictions }));
          else say(formatPredictions(predictions, rest.length > 1 ? picture : undefined));
        } catch (error) {
          // The others may well be pictures.
          report(error);
        }
      }
      return classifier.dispose();
    }
    case 'evaluate': {
      const model = within(models, oneOf(rest, 'model'));
      const note = values.json ? () => {} : say;
      await startBackend(backendOf(values.backend), note, { threads: threadsOf(values.threads) });
      const evaluation = await evaluateModel(model, {
        data: values.data === undefined ? null : dataOf(values.data),
        strict: values.strict,
        signal: new AbortController().signal,
        say: note,
      });
      return say(values.json ? JSON.stringify(evaluation) : formatEvaluation(evaluation));
    }
    case 'report':
      return say(`Written to ${await writeReport(within(runs, oneOf(rest, 'run')))}.`);
    case 'datasets': {
      if (rest.length === 0) return say(listDatasets());
      return say(
        await describeDataset(dataOf(oneOf(rest, 'data set')), {
          size: positiveOf('size', values.size ?? '224'),
          strict: values.strict,
          signal: new AbortController().signal,
          say,
          startProgress,
        }),
      );
    }
    case 'doctor':
      return diagnose(say);
    case 'setup':
      return setUp(values.cuda ? 'cuda' : 'native', say);
    default:
      throw usage(`There is no command ${command}.`);
  }
}

/** They come behind the training: a finished run is exported anew. */
const EXPORT_FIELDS: readonly string[] = ['quantize', 'arithmetic'];

/** A new run's folder and experiment, or those of the run to go on with. */
async function chooseRun(
  values: OptionValues,
  runs: string,
): Promise<{ directory: string; config: TrainConfig; data: string | null }> {
  if (values.resume !== undefined) {
    const resumed = within(runs, values.resume);
    const given = ['config', 'data', ...configFields.map(({ path }) => path)];
    const extra = given.find(
      (name) => Object.hasOwn(values, name) && !EXPORT_FIELDS.includes(name),
    );
    if (extra !== undefined) {
      throw usage(`Expected no --${extra} with --resume, which goes on as the run began.`);
    }
    const { header } = await loadCheckpoint(checkpointIn(resumed));
    const { quantize, arithmetic } = values;
    const config = overrideConfig(header.config, { quantize, arithmetic });
    return { directory: resumed, config, data: header.data };
  }
  const { weights } = values;
  const config = overrideConfig(configOf(values.config), {
    ...values,
    ...(weights === undefined ? {} : { weights: weightsOf(weights) }),
  });
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return {
    directory: join(runs, `${time}-${config.name}`),
    config,
    data: values.data === undefined ? null : dataOf(values.data),
  };
}

/** With what the checkpoint does not hold. */
function resumeCommand(
  directory: string,
  { id, models, photos, backend, threads, strict }: OptionValues,
  modelsFolder: string,
): string {
  const options = {
    resume: directory,
    id,
    models: models && modelsFolder,
    photos: fromUser(photos),
    backend,
    threads,
  };
  const given = Object.entries(options).filter(
    ([name, value]) => value !== undefined && !(name === 'backend' && value === 'auto'),
  );
  const words = given.flatMap(([name, value]) => [`--${name}`, quoted(value as string)]);
  return ['npx -y pnpm@10 --filter trainer train', ...words, ...(strict ? ['--strict'] : [])].join(
    ' ',
  );
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The arguments, but of paths the last part only: the model card that holds them is public. */
function publicArguments(): string[] {
  return process.argv.slice(3).map((argument) => {
    const [, option = '', value = argument] = /^(--[^=]+=)(.*)$/s.exec(argument) ?? [];
    return option + quoted(basename(value));
  });
}

function report(error: unknown): void {
  if (!(error instanceof TrainerError)) throw error;
  console.error(error.message);
  process.exitCode = error.code === 'interrupted' ? 130 : 1;
}

main().catch(report);
