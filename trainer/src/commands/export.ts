import { dirname, join } from 'node:path';
import { arithmetics } from 'shared/contract/model-card';
import { onnxFormats, quantizations, tfliteFormats } from '../config/quantizations.ts';
import type { OpenImages } from '../export/calibration-images.ts';
import { publicCommand, resumeCommand, typedCommand } from './options/choose-run.ts';
import { type Call, defineCommand } from './options/command.ts';
import { findModel, findRun } from './options/find-model.ts';
import { dataBeside, nameOf, pathOf, usage } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';
import { dataFor } from './options/trained-on.ts';
import { untilInterrupted } from './options/until-interrupted.ts';

const options = {
  ...shared.network,
  ...shared.weights,
  quantize: {
    group: 'Format',
    value: '<how>',
    choices: [...quantizations, 'int8'],
    about: 'of kernels',
    otherwise: 'uint8; float32 for others',
  },
  arithmetic: {
    group: 'Format',
    value: '<what>',
    choices: arithmetics,
    default: 'int8',
    about: 'of 8-bit kernels',
  },
  format: {
    group: 'Format',
    value: '<name>',
    choices: ['worker', 'onnx', 'tflite', 'browser'],
    default: 'worker',
    about: 'kind',
  },
  model: {
    group: 'Format',
    value: '<model>',
    about: 'its id or folder; not for worker',
    otherwise: 'imagenet',
    parse: nameOf,
  },
  output: {
    group: 'Format',
    value: '<folder>',
    about: 'for <id>.onnx, .tflite or <id>/',
    otherwise: 'this one',
    parse: pathOf,
  },
  'with-preprocess': {
    group: 'Format',
    about: 'for ONNX: an image as the input, in bytes',
  },
  keras: {
    group: 'Format',
    value: '<file>',
    about: 'write weights for Keras instead: x.weights.h5',
    parse: pathOf,
  },
  run: {
    group: 'Format',
    value: '<run>',
    about: 'a training, so far; with --keras its weights',
    parse: nameOf,
  },
  data: {
    ...shared.data.data,
    about: 'to measure mixed and int8 on',
    otherwise: "the training's",
  },
  labels: shared.reading.labels,
  ...shared.compute,
  id: { ...shared.id.id, otherwise: 'imagenet' },
  ...shared.models,
  ...shared.runs,
} as const;

export const exportCommand = defineCommand({
  name: 'export',
  about: "Export the pretrained network itself, with ImageNet's 1,000 classes",
  details: 'With another --format a finished model, with --keras weights for Keras.',
  examples: [
    ['export', 'as the model imagenet'],
    ['export --keras my.weights.h5 --run my-run', 'of a run, for Keras'],
    ['export --format browser --model cifar10', 'a page; or for onnx, tflite'],
  ],
  options,
  run(call) {
    const { format, keras, run } = call.values;
    if (keras !== undefined) return exportForKeras(keras, call);
    if (run !== undefined) return exportRun(run, call);
    if (format === 'onnx') return exportAsOnnx(call);
    if (format === 'tflite') return exportAsTflite(call);
    return format === 'browser' ? exportForBrowser(call) : exportPretrainedModel(call);
  },
});

type ExportCall = Call<typeof options>;

const NOT_FOR_WORKERS =
  'Expected --format onnx or tflite with --quantize int8; the Worker computes uint8 kernels in 8 bits too.';

/** Exports a training as it is so far: one that is told, before its first step, to come to an end. */
async function exportRun(run: string, { values, typed, say }: ExportCall): Promise<void> {
  const { loadCheckpoint, checkpointIn } = await import('../runs/checkpoint.ts');
  const { trainInStages } = await import('./training/train-in-stages.ts');
  const { backend, threads, arithmetic } = values;
  const directory = await findRun(values.runs ?? shared.RUNS, run);
  const { header } = await loadCheckpoint(checkpointIn(directory));
  const resumed = resumeCommand(directory, {
    ...{ id: values.id, models: values.models, runs: values.runs, resume: directory },
    ...{ backend, threads, strict: false },
    ...{
      config: undefined,
      data: undefined,
      labels: undefined,
      folders: undefined,
      photos: undefined,
    },
  });
  const { quantize = header.config.quantize } = values;
  if (quantize === 'int8') throw usage(NOT_FOR_WORKERS);
  await untilInterrupted(`Stopped. Go on with: ${resumed}`, async ({ signal }) => {
    await trainInStages(
      { ...header.config, quantize, arithmetic },
      {
        ...{ directory, resume: true, data: header.data, signal, say, threads },
        labels: header.labels,
        ...{ enough: AbortSignal.abort(), readOnly: true },
        ...{ strict: false, backend, models: modelsOf(values), modelId: values.id },
        command: typedCommand(typed, 'export'),
        publicCommand: publicCommand(typed, 'export'),
        resumeCommand: resumed,
        watchCommand: resumed,
      },
    );
  });
}

async function exportAsOnnx(call: ExportCall): Promise<void> {
  const { exportOnnx } = await import('../export/onnx/export-onnx.ts');
  const kernels = formatOf(call.values, onnxFormats);
  const withPreprocess = call.values['with-preprocess'];
  await exportCalibrated(call, kernels === 'int8', (model, folder, options) =>
    exportOnnx(model, folder, { ...options, kernels, withPreprocess }),
  );
}

async function exportAsTflite(call: ExportCall): Promise<void> {
  const { exportTflite } = await import('../export/tflite/export-tflite.ts');
  const kernels = formatOf(call.values, tfliteFormats);
  await exportCalibrated(call, kernels === 'int8', (model, folder, options) =>
    exportTflite(model, folder, { ...options, kernels, log: call.say }),
  );
}

/** @param write gets the model's directory, and images where it calibrates @returns the file's path */
async function exportCalibrated(
  { values, say }: ExportCall,
  calibrates: boolean,
  write: (
    model: string,
    folder: string,
    options: { readonly signal: AbortSignal; readonly images?: OpenImages },
  ) => Promise<string>,
): Promise<void> {
  const model = await findModel(modelsOf(values), values.model ?? 'imagenet');
  const folder = values.output ?? pathOf('.', 'output');
  const { signal } = new AbortController();
  if (!calibrates) return say(`Written to ${await write(model, folder, { signal })}.`);
  const { startBackend } = await import('../backends/start-backend.ts');
  const { data, labels } = await dataFor(values, model);
  await startBackend(values.backend, say, { threads: values.threads });
  const path = await write(model, folder, { signal, images: imagesOf(data, labels, say) });
  say(`Written to ${path}, calibrated on images of ${data ?? 'cifar10'}.`);
}

async function exportForBrowser({ values, say }: ExportCall): Promise<void> {
  const { exportBrowser } = await import('../export/browser/export-browser.ts');
  const model = await findModel(modelsOf(values), values.model ?? 'imagenet');
  const folder = await exportBrowser(model, values.output ?? pathOf('.', 'output'));
  say(`Written to ${folder}. Serve it from any host, or publish it: npm publish ${folder}`);
}

async function exportForKeras(file: string, { values, say }: ExportCall): Promise<void> {
  if (!file.endsWith('.weights.h5')) {
    throw usage(`Expected --keras to end in .weights.h5, as Keras does, but got ${file}.`);
  }
  const { startBackend } = await import('../backends/start-backend.ts');
  const { prepareFolder } = await import('../files/output-folder.ts');
  const run = values.run && (await findRun(values.runs ?? shared.RUNS, values.run));
  await prepareFolder(dirname(file));
  await startBackend(values.backend, say, { threads: values.threads });
  const { exportPretrainedKeras, exportRunKeras } = await import('../export/export-keras.ts');
  if (run === undefined) await exportPretrainedKeras(file, values.backbone, values.weights);
  else await exportRunKeras(file, run);
  say(`Written to ${file}.`);
}

async function exportPretrainedModel({ values, say }: ExportCall): Promise<void> {
  const { startBackend } = await import('../backends/start-backend.ts');
  const { prepareModelFolder } = await import('../files/output-folder.ts');
  const { backbone, weights, threads, arithmetic, quantize = 'uint8', labels } = values;
  const { data = dataBeside(labels) ?? null } = values;
  if (quantize === 'int8') throw usage(NOT_FOR_WORKERS);
  const images = imagesOf(data, labels, say);
  const models = modelsOf(values);
  const target = join(models, values.id ?? 'imagenet');
  await prepareModelFolder(target, models);
  await startBackend(values.backend, say, { threads });
  const { exportPretrained } = await import('../export/export-pretrained.ts');
  await exportPretrained(backbone, weights, target, {
    quantize: quantize === 'mixed' ? images : quantize,
    arithmetic,
  });
  say(`Written to ${target}.`);
}

/**
 * @param labels where images may have several, what says which
 * @returns a function that opens a data set's training images, for a size of network inputs
 */
function imagesOf(
  data: string | null,
  labels: string | undefined,
  say: ExportCall['say'],
): OpenImages {
  return async (size) => {
    const { openDataset } = await import('../datasets/open-dataset.ts');
    const { whole } = await import('../datasets/split.ts');
    const { startProgress } = await import('../files/progress.ts');
    const { signal } = new AbortController();
    const purpose = 'measuring' as const;
    const options = { size, strict: false, labels, purpose, signal, say, startProgress };
    return whole((await openDataset(data, options)).train);
  };
}

function modelsOf({ models }: ExportCall['values']): string {
  return models ?? shared.MODELS;
}

/** @throws TrainerError `config_invalid` for a format of kernels that the files do not get */
function formatOf<F extends string>(
  { quantize = 'float32', format }: ExportCall['values'],
  formats: readonly F[],
): F {
  const known = formats.find((one) => one === quantize);
  if (known) return known;
  throw usage(
    `Expected one of ${formats.join(', ')} for --quantize with --format ${format}, but got ${quantize}.`,
  );
}
