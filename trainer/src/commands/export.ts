import { dirname, join } from 'node:path';
import { arithmetics } from 'shared/contract/model-card';
import {
  type OnnxKernelFormat,
  type Quantization,
  quantizations,
} from '../config/quantizations.ts';
import { graft } from '../files/project.ts';
import { publicCommand, resumeCommand } from './options/choose-run.ts';
import { defineCommand } from './options/command.ts';
import { findModel, findRun } from './options/find-model.ts';
import { nameOf, pathOf, quoted, usage } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';
import { untilInterrupted } from './options/until-interrupted.ts';

export const exportCommand = defineCommand({
  name: 'export',
  about: "Export the pretrained network itself, with ImageNet's 1,000 classes",
  details: 'With --format onnx a finished model, with --keras weights for Keras.',
  examples: [
    ['export', 'as the model imagenet'],
    ['export --keras my.weights.h5 --run my-run', 'of a run, for Keras'],
    ['export --format onnx --model cifar10', 'a model, for ONNX runtimes'],
  ],
  options: {
    ...shared.network,
    ...shared.weights,
    quantize: {
      group: 'Format',
      value: '<how>',
      choices: quantizations,
      about: 'of kernels',
      otherwise: 'uint8; ONNX float32',
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
      choices: ['worker', 'onnx'],
      default: 'worker',
      about: 'what is written',
    },
    model: {
      group: 'Format',
      value: '<model>',
      about: 'for ONNX: its id or folder',
      otherwise: 'imagenet',
      parse: nameOf,
    },
    output: {
      group: 'Format',
      value: '<folder>',
      about: 'for ONNX: where <id>.onnx goes',
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
      about: 'what mixed is measured on',
    },
    ...shared.compute,
    id: { ...shared.id.id, otherwise: 'imagenet' },
    ...shared.models,
    ...shared.runs,
  },
  async run({ values, typed, say }) {
    const { backbone, weights, keras, threads, arithmetic } = values;
    const models = values.models ?? shared.MODELS;
    if (values.run !== undefined && keras === undefined) {
      const { loadCheckpoint, checkpointIn } = await import('../runs/checkpoint.ts');
      const { trainInStages } = await import('./training/train-in-stages.ts');
      const directory = await findRun(values.runs ?? shared.RUNS, values.run);
      const { header } = await loadCheckpoint(checkpointIn(directory));
      const resumed = resumeCommand(directory, {
        ...{ id: values.id, models: values.models, runs: values.runs, resume: directory },
        ...{ backend: values.backend, threads, strict: false },
        ...{ config: undefined, data: undefined, folders: undefined, photos: undefined },
      });
      const { quantize = header.config.quantize } = values;
      return untilInterrupted(`Stopped. Go on with: ${resumed}`, async ({ signal }) => {
        await trainInStages(
          { ...header.config, quantize, arithmetic },
          {
            ...{ directory, resume: true, data: header.data, signal, say, threads },
            // As a training that is told before its first step to come to an end.
            ...{ enough: AbortSignal.abort(), readOnly: true },
            ...{ strict: false, backend: values.backend, models, modelId: values.id },
            command: graft(['export', ...typed.map(quoted)].join(' ')),
            publicCommand: publicCommand(typed, 'export'),
            resumeCommand: resumed,
            watchCommand: resumed,
          },
        );
      });
    }
    if (values.format === 'onnx') {
      const { exportOnnx } = await import('../export/onnx/export-onnx.ts');
      const model = await findModel(models, values.model ?? 'imagenet');
      const options = {
        kernels: onnxKernelsOf(values.quantize),
        withPreprocess: values['with-preprocess'],
      };
      return say(
        `Written to ${await exportOnnx(model, values.output ?? pathOf('.', 'output'), options)}.`,
      );
    }
    const { startBackend } = await import('../backends/start-backend.ts');
    const { prepareFolder, prepareModelFolder } = await import('../files/output-folder.ts');
    if (keras !== undefined) {
      if (!keras.endsWith('.weights.h5')) {
        throw usage(`Expected --keras to end in .weights.h5, as Keras does, but got ${keras}.`);
      }
      const run = values.run && (await findRun(values.runs ?? shared.RUNS, values.run));
      await prepareFolder(dirname(keras));
      await startBackend(values.backend, say, { threads });
      const { exportPretrainedKeras, exportRunKeras } = await import('../export/export-keras.ts');
      if (run === undefined) await exportPretrainedKeras(keras, backbone, weights);
      else await exportRunKeras(keras, run);
      return say(`Written to ${keras}.`);
    }
    const images = async (size: number) => {
      const { openDataset } = await import('../datasets/open-dataset.ts');
      const { startProgress } = await import('../files/progress.ts');
      const { data = null } = values;
      const { signal } = new AbortController();
      const purpose = 'measuring' as const;
      const options = {
        size,
        strict: false,
        folders: undefined,
        purpose,
        signal,
        say,
        startProgress,
      };
      const { train: set } = await openDataset(data, options);
      return { set, indices: [...Array(set.length).keys()] };
    };
    const target = join(models, values.id ?? 'imagenet');
    await prepareModelFolder(target, models);
    await startBackend(values.backend, say, { threads });
    const { exportPretrained } = await import('../export/export-pretrained.ts');
    await exportPretrained(backbone, weights, target, {
      quantize: values.quantize === 'mixed' ? images : (values.quantize ?? 'uint8'),
      arithmetic,
    });
    say(`Written to ${target}.`);
  },
});

/** @throws TrainerError `config_invalid` for a format that ONNX files do not get */
function onnxKernelsOf(quantization: Quantization = 'float32'): OnnxKernelFormat {
  if (quantization === 'uint8' || quantization === 'float16' || quantization === 'float32')
    return quantization;
  throw usage(
    `Expected uint8, float16 or float32 for --quantize with --format onnx, but got ${quantization}.`,
  );
}
