import { basename } from 'node:path';
import imagenetLabels from 'shared/contract/labels/imagenet-1k.json' with { type: 'json' };
import type { Arithmetic, ModelCard } from 'shared/contract/model-card';
import { licencesOf, pretrainingOf } from '../backbones/origin.ts';
import { backbones, buildBackbone } from '../backbones/registry.ts';
import type { BackboneName } from '../config/backbone-names.ts';
import type { KernelFormat } from '../config/quantizations.ts';
import type { Part } from '../datasets/split.ts';
import { fusePlan } from '../plan/fuse.ts';
import { disposePlan } from '../plan/plan.ts';
import { loadBackboneWeights } from '../weights/load-backbone-weights.ts';
import { chooseFormats } from './choose-formats.ts';
import { toGraphModel } from './graph-model.ts';
import { describeQuantization } from './quantize.ts';
import { writeModelDirectory } from './write-model-directory.ts';

interface PretrainedOptions {
  /**
   * One format for all kernels; or a function that returns images, reduced for the given network input
   * side in pixels, by which to choose the format of each kernel.
   */
  readonly quantize?: KernelFormat | ((size: number) => Promise<Part>);
  readonly arithmetic?: Arithmetic;
}

/**
 * Exports a network pretrained on ImageNet, with its 1,000 classes.
 *
 * @param weights `imagenet`, the path of a file, or `none` for random ones, to measure a network's speed
 * @throws TrainerError `weights_invalid`
 */
export async function exportPretrained(
  name: BackboneName,
  weights: string,
  directory: string,
  { quantize = 'uint8', arithmetic = 'int8' }: PretrainedOptions = {},
): Promise<ModelCard> {
  const backbone = backbones[name];
  const { size } = backbone;
  const preprocess = { ...backbone.preprocess, size };
  const network = buildBackbone(name, { initialize: weights === 'none' });
  if (weights !== 'none') await loadBackboneWeights(network, name, weights, true);
  const parameters = network.countParams();
  const plan = fusePlan(network);
  network.dispose();
  try {
    const formats =
      typeof quantize === 'string'
        ? quantize
        : await chooseFormats(plan, preprocess, await quantize(size), new AbortController().signal);
    const graph = await toGraphModel(plan, size, formats);
    const { card } = await writeModelDirectory(directory, graph, {
      id: basename(directory),
      title: `${backbone.title}, 1,000 ImageNet classes`,
      created: new Date().toISOString(),
      labels: imagenetLabels.map(([synset, name]) => ({
        name: name as string,
        synset: synset as string,
      })),
      architecture: { name: backbone.title, parameters },
      pretraining: pretrainingOf(name, weights),
      preprocess,
      quantization: describeQuantization(
        typeof quantize === 'string' ? quantize : 'mixed',
        arithmetic,
      ),
      accuracy:
        backbone.publishedTop1 === null || weights === 'none'
          ? []
          : [
              {
                source: 'published',
                dataset: 'ImageNet-1k',
                split: 'validation',
                images: 50_000,
                float32: backbone.publishedTop1,
              },
            ],
      training: null,
      licences: licencesOf(name, weights),
    });
    return card;
  } finally {
    disposePlan(plan);
  }
}
