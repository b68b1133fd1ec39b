import imagenetLabels from 'shared/labels/imagenet-1k.json' with { type: 'json' };
import type { ModelCard } from 'shared/model-card';
import { type BackboneName, backbones } from '../backbones/registry.ts';
import { fusePlan } from '../plan/fuse.ts';
import { disposePlan } from '../plan/plan.ts';
import { attachHead } from '../stages/head.ts';
import { loadWeights } from '../weights/load-weights.ts';
import { readSafetensors } from '../weights/safetensors.ts';
import { type QuantizationScheme, toGraphModel } from './graph-model.ts';
import { writeModelDirectory } from './write-model-directory.ts';

/** Exports a network as ImageNet left it, with its 1,000 classes. */
export async function exportPretrained(
  name: BackboneName,
  directory: string,
  scheme: QuantizationScheme = 'uint8-per-channel',
): Promise<ModelCard> {
  const backbone = backbones[name];
  const size = backbone.pretrainedSize;
  const trunk = backbone.build(size);
  const network = attachHead(trunk, imagenetLabels.length, 0, 0);
  loadWeights(network.layers, (await readSafetensors(backbone.weights)).tensors);
  const parameters = network.countParams();
  const plan = fusePlan(network);
  network.dispose();
  try {
    return await writeModelDirectory(directory, await toGraphModel(plan, size, scheme), {
      id: 'imagenet',
      title: `${backbone.title}, 1,000 ImageNet classes`,
      created: new Date().toISOString(),
      labels: imagenetLabels.map(([synset, name]) => ({
        name: name as string,
        synset: synset as string,
      })),
      architecture: { name: backbone.title, parameters },
      pretraining: backbone.pretraining,
      preprocess: { ...backbone.preprocess, size },
      quantization: scheme,
      accuracy: [
        {
          source: 'published',
          dataset: 'ImageNet-1k',
          split: 'validation',
          pictures: 50_000,
          float32: backbone.publishedTop1,
        },
      ],
      training: null,
      licences: [{ of: 'pretrained weights', licence: backbone.licence }],
    });
  } finally {
    disposePlan(plan);
  }
}
