import { dirname, join } from 'node:path';
import { arithmetics } from 'shared/contract/model-card';
import { quantizations } from '../config/quantizations.ts';
import { defineCommand } from './options/command.ts';
import { findRun } from './options/find-model.ts';
import { nameOf, pathOf, usage } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';

export const exportCommand = defineCommand({
  name: 'export',
  about: "Export the pretrained network itself, with ImageNet's 1,000 classes",
  details: "Or, with --keras, write weights for Keras: the pretrained network's, or a run's.",
  examples: [
    ['export', 'as the model imagenet'],
    ['export --backbone resnet50 --weights resnet50.h5', 'another network'],
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
      about: 'write weights for Keras instead: x.weights.h5',
      parse: pathOf,
    },
    run: {
      group: 'Format',
      value: '<run>',
      about: 'with --keras: the weights of a run',
      parse: nameOf,
    },
    data: {
      ...shared.data.data,
      about: 'the images that --quantize mixed measures on',
    },
    ...shared.reading,
    ...shared.compute,
    id: { ...shared.id.id, otherwise: 'imagenet' },
    ...shared.models,
    ...shared.runs,
  },
  async run({ values, say }) {
    const { backbone, weights, keras, threads, arithmetic } = values;
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
      quantize: values.quantize === 'mixed' ? images : values.quantize,
      arithmetic,
    });
    say(`Written to ${target}.`);
  },
});
