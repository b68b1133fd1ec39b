import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { arithmetics } from 'shared/contract/model-card';
import { buildBackbone } from '../backbones/registry.ts';
import { startBackend } from '../backends/start-backend.ts';
import { describeDataset, listDatasets } from '../commands/describe-datasets.ts';
import { diagnose } from '../commands/doctor.ts';
import { evaluateModel, formatEvaluation } from '../commands/evaluate-model.ts';
import { findLr } from '../commands/find-lr.ts';
import { formatPredictions, isUrl, predict } from '../commands/predict.ts';
import { setUp } from '../commands/set-up.ts';
import { summarize } from '../commands/summary.ts';
import { train } from '../commands/train.ts';
import { quantizations } from '../config/quantizations.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import { TrainerError } from '../errors.ts';
import { exportPretrainedKeras, exportRunKeras } from '../export/export-keras.ts';
import { exportPretrained } from '../export/export-pretrained.ts';
import { prepareFolder, prepareModelFolder } from '../files/output-folder.ts';
import { startProgress } from '../files/progress.ts';
import { freezeLayers, trimModel } from '../models/edit-model.ts';
import { loadModel, loadPretrained } from '../models/load-model.ts';
import { printable, printableLines } from '../printable.ts';
import { writeReport } from '../report/write-report.ts';
import { chooseRun, publicCommand, resumeCommand, typedCommand } from './choose-run.ts';
import { findModel, findRun } from './find-model.ts';
import { help } from './help.ts';
import {
  backboneOf,
  backendOf,
  choiceOf,
  configOf,
  dataOf,
  foldersOf,
  fromUser,
  idOf,
  layerOf,
  oneOf,
  positiveOf,
  threadsOf,
  usage,
  weightsOf,
} from './option-values.ts';
import { parseCommandLine } from './parse-command-line.ts';

const packageFolder = fileURLToPath(new URL('../..', import.meta.url));

/** Where a command's output goes, a text of one or more lines at a time. */
export interface Output {
  out(lines: string): void;
  err(line: string): void;
}

/**
 * Runs a command of the trainer.
 *
 * @param args as typed, such as `['train', '--data', 'photos']`
 * @returns the exit code: 0; 1 for what its user can do something about, which one line tells; 130 where
 *   it was stopped
 */
export async function runCommand(args: readonly string[], output: Output): Promise<number> {
  // All that the commands print goes through here, since names of files and classes are anyone's.
  const say = (lines: string) => output.out(printableLines(lines));
  let code = 0;
  const report = (error: unknown) => {
    output.err(printable(messageOf(error)));
    code = error instanceof TrainerError && error.code === 'interrupted' ? 130 : 1;
  };
  try {
    await dispatch(args, say, report);
  } catch (error) {
    report(error);
  }
  return code;
}

/** @throws what is a fault of the program */
function messageOf(error: unknown): string {
  if (error instanceof TrainerError) return error.message;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) throw error;
  return `The system refuses to ${syscall} ${path ?? 'a file'} (${code}).`;
}

/** @param report prints an error after which the command goes on */
async function dispatch(
  args: readonly string[],
  say: (lines: string) => void,
  report: (error: unknown) => void,
): Promise<void> {
  const { values, positionals } = parseCommandLine(args);
  const models = fromUser(values.models) ?? join(packageFolder, '../edge/public/models');
  const runs = fromUser(values.runs) ?? join(packageFolder, 'runs');
  const [command, ...rest] = positionals;
  if (values.help || command === undefined || command === 'help')
    return say(help(configOf(values.config)));
  const backbone = backboneOf(values.backbone ?? 'efficientnet-lite0');
  const weights = weightsOf(values.weights ?? 'imagenet');
  const folders = foldersOf(values.folders);
  switch (command) {
    case 'train': {
      const { directory, config, data } = await chooseRun(values, runs);
      const run = {
        directory,
        resume: values.resume !== undefined,
        data,
        strict: values.strict,
        folders,
        photos: fromUser(values.photos),
        models,
        modelId: idOf(values.id),
        backend: backendOf(values.backend),
        threads: threadsOf(values.threads),
        command: typedCommand(args),
        publicCommand: publicCommand(args),
        say,
      };
      const stopped = `Stopped. Go on with: ${resumeCommand(directory, values, models)}`;
      return untilInterrupted(stopped, async (signal) => {
        await train(config, { ...run, signal });
      });
    }
    case 'find-lr': {
      const stage = values.stage ?? '2';
      if (stage !== '1' && stage !== '2')
        throw usage(`Expected 1 or 2 for --stage, but got ${stage}.`);
      const { config, data } = await chooseRun(values, runs);
      await startBackend(backendOf(values.backend), say, { threads: threadsOf(values.threads) });
      const { signal } = new AbortController();
      return say(
        await findLr(config, stage === '1' ? 1 : 2, {
          data,
          strict: values.strict,
          folders,
          signal,
          say,
        }),
      );
    }
    case 'export': {
      const threads = threadsOf(values.threads);
      const keras = fromUser(values.keras);
      if (keras !== undefined) {
        if (!keras.endsWith('.weights.h5')) {
          throw usage(`Expected --keras to end in .weights.h5, as Keras does, but got ${keras}.`);
        }
        const run = values.run && (await findRun(runs, values.run));
        await prepareFolder(dirname(keras));
        await startBackend(backendOf(values.backend), say, { threads });
        if (run === undefined) await exportPretrainedKeras(keras, backbone, weights);
        else await exportRunKeras(keras, run);
        return say(`Written to ${keras}.`);
      }
      const quantize = choiceOf('quantize', quantizations, values.quantize ?? 'uint8');
      const arithmetic = choiceOf('arithmetic', arithmetics, values.arithmetic ?? 'int8');
      const images = async (size: number) => {
        const { strict, data } = values;
        const { signal } = new AbortController();
        const purpose = 'measuring' as const;
        const options = { size, strict, folders, purpose, signal, say, startProgress };
        const { train: set } = await openDataset(data === undefined ? null : dataOf(data), options);
        return { set, indices: [...Array(set.length).keys()] };
      };
      const target = join(models, idOf(values.id) ?? 'imagenet');
      await prepareModelFolder(target, models);
      await startBackend(backendOf(values.backend), say, { threads });
      await exportPretrained(backbone, weights, target, {
        quantize: quantize === 'mixed' ? images : quantize,
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
      if (rest.length === 0) throw usage('Expected images, files or urls, but got none.');
      const top = positiveOf('top', values.top);
      const trained = values.model && (await findModel(models, values.model));
      await startBackend(backendOf(values.backend), () => {}, {
        threads: threadsOf(values.threads),
      });
      const classifier =
        trained === undefined ? await loadPretrained(backbone, weights) : await loadModel(trained);
      for (const image of rest) {
        const source = isUrl(image) ? image : (fromUser(image) as string);
        try {
          const predictions = await predict(classifier, source, top);
          if (values.json) say(JSON.stringify({ image, predictions }));
          else say(formatPredictions(predictions, rest.length > 1 ? image : undefined));
        } catch (error) {
          // The others may well be images.
          report(error);
        }
      }
      return classifier.dispose();
    }
    case 'evaluate': {
      const model = await findModel(models, oneOf(rest, 'model'));
      const note = values.json ? () => {} : say;
      await startBackend(backendOf(values.backend), note, { threads: threadsOf(values.threads) });
      const evaluation = await evaluateModel(model, {
        data: values.data === undefined ? null : dataOf(values.data),
        strict: values.strict,
        folders,
        signal: new AbortController().signal,
        say: note,
      });
      return say(values.json ? JSON.stringify(evaluation) : formatEvaluation(evaluation));
    }
    case 'report':
      return say(`Written to ${await writeReport(await findRun(runs, oneOf(rest, 'run')))}.`);
    case 'datasets': {
      if (rest.length === 0) return say(listDatasets());
      return say(
        await describeDataset(dataOf(oneOf(rest, 'data set')), {
          size: positiveOf('size', values.size ?? '224'),
          strict: values.strict,
          folders,
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
      throw new Error(`No command ${command}.`);
  }
}

/** Ctrl-C, and what a machine sends that is about to be taken away, abort the work's signal. */
async function untilInterrupted(
  message: string,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const interrupt = new AbortController();
  const abort = () => interrupt.abort(new TrainerError('interrupted', message));
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, abort);
  try {
    await work(interrupt.signal);
  } finally {
    for (const signal of signals) process.off(signal, abort);
  }
}
