import { defineCommand } from './options/command.ts';
import { layerOf, positiveOf } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';

export const summary = defineCommand({
  name: 'summary',
  about: "Print a network's layers and how many weights it has",
  details: "As Keras' summary prints them. Downloads nothing.",
  examples: [
    ['summary', 'EfficientNet-Lite0'],
    ['summary --backbone efficientnetb0 --freeze=-2', 'two layers free'],
    ['summary --backbone resnet50 --trim=-3 --size 96', 'cut off earlier'],
  ],
  options: {
    ...shared.network,
    'include-top': { group: 'Network', about: 'with the classifier' },
    size: {
      group: 'Network',
      value: '<pixels>',
      about: 'side of the images',
      otherwise: "the network's own",
      parse: positiveOf,
    },
    trim: {
      group: 'Network',
      value: '<layer>',
      about: 'the layer to end at, by name or number, such as -3',
      parse: layerOf,
    },
    freeze: {
      group: 'Network',
      value: '<layers>',
      about: 'frozen layers: how many from the first, all but how many (-2), or names',
      default: '0',
      parse: layerOf,
    },
  },
  async run({ values, say }) {
    const { startBackend } = await import('../backends/start-backend.ts');
    const { buildBackbone } = await import('../backbones/registry.ts');
    const { freezeLayers, trimModel } = await import('../models/edit-model.ts');
    const { summarize } = await import('../models/summarize.ts');
    // Only its shapes matter: no backend is quicker to start.
    await startBackend('cpu', () => {});
    const model = buildBackbone(values.backbone, {
      ...(values.size === undefined ? {} : { size: values.size }),
      includeTop: values['include-top'],
      initialize: false,
    });
    const trimmed = values.trim === undefined ? model : trimModel(model, values.trim);
    freezeLayers(trimmed, values.freeze);
    say(summarize(trimmed));
  },
});
