import { dirname, join } from 'node:path';
import { arithmetics } from 'shared/contract/model-card';
import { quantizations } from '../config/quantizations.ts';
import { graft, publicCommand, resumeCommand, watchCommand } from './options/choose-run.ts';
import { defineCommand } from './options/command.ts';
import { findRun } from './options/find-model.ts';
import { nameOf, pathOf, quoted, usage } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';
import { untilInterrupted } from './options/until-interrupted.ts';

export const exportCommand = defineCommand({
  name: 'export',
  about: "Export the pretrained network itself, with ImageNet's 1,000 classes",
  details: "Or --run, a training's best weights so far; with --keras, weights for Keras.",
  examples: [
    ['export', 'as the model imagenet'],
    ['export --run my-run', 'of a run, so far'],
    ['export --keras my.weights.h5 --run my-run', 'of a run, for Keras'],
  ],
  options: {
    ...shared.network,
    ...shared.weights,
    quantize: {
      group: 'Format',
      value: '<how>',
      choices: quantizations,
      default: 'uint8',
      about: 'how kernels are stored',
    },
    arithmetic: {
      group: 'Format',
      value: '<what>',
      choices: arithmetics,
      default: 'int8',
      about: 'what kernels of 8 bits are computed in',
    },
    keras: {
      group: 'Format',
      value: '<file>',
      about: 'write weights for Keras: x.weights.h5',
      parse: pathOf,
    },
    run: {
      group: 'Format',
      value: '<run>',
      about: 'the weights of a run instead',
      parse: nameOf,
    },
    data: {
      ...shared.data.data,
      about: 'images for --quantize mixed',
    },
    ...shared.reading,
    ...shared.compute,
    id: { ...shared.id.id, otherwise: 'imagenet' },
    ...shared.models,
    ...shared.runs,
  },
  async run({ values, typed, say }) {
    const { backbone, weights, keras, threads, arithmetic, quantize } = values;
    if (values.run !== undefined && keras === undefined) {
      const { loadCheckpoint, checkpointIn } = await import('../runs/checkpoint.ts');
      const { trainInStages } = await import('./train-in-stages.ts');
      const directory = await findRun(values.runs ?? shared.RUNS, values.run);
      const { header } = await loadCheckpoint(checkpointIn(directory));
      const given = { ...values, config: undefined, photos: undefined, resume: directory };
      const resumed = resumeCommand(directory, given);
      return untilInterrupted(`Stopped. Go on with: ${resumed}`, async ({ signal }) => {
        await trainInStages(
          { ...header.config, quantize, arithmetic },
          {
            ...{ directory, resume: true, data: header.data, signal, say, threads },
            // As a training that is told before its first step to come to an end.
            ...{ enough: AbortSignal.abort(), readOnly: true },
            ...{ strict: values.strict, folders: values.folders, backend: values.backend },
            ...{ models: values.models ?? shared.MODELS, modelId: values.id },
            command: graft(['export', ...typed.map(quoted)].join(' ')),
            publicCommand: publicCommand(typed, 'export'),
            resumeCommand: resumed,
            watchCommand: watchCommand(directory, given),
          },
        );
      });
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
      const { strict, folders, data = null } = values;
      const { signal } = new AbortController();
      const purpose = 'measuring' as const;
      const options = { size, strict, folders, purpose, signal, say, startProgress };
      const { train: set } = await openDataset(data, options);
      return { set, indices: [...Array(set.length).keys()] };
    };
    const models = values.models ?? shared.MODELS;
    const target = join(models, values.id ?? 'imagenet');
    await prepareModelFolder(target, models);
    await startBackend(values.backend, say, { threads });
    const { exportPretrained } = await import('../export/export-pretrained.ts');
    await exportPretrained(backbone, weights, target, {
      quantize: quantize === 'mixed' ? images : quantize,
      arithmetic,
    });
    say(`Written to ${target}.`);
  },
});
