import * as tf from '@tensorflow/tfjs';
import imagenetLabels from 'shared/labels/imagenet-1k.json' with { type: 'json' };
import sharp from 'sharp';
import { type BackboneName, backbones, buildBackbone } from './backbones/registry.ts';
import { createRandom } from './datasets/random.ts';
import { TrainerError } from './errors.ts';
import { fusePlan } from './plan/fuse.ts';
import { disposePlan } from './plan/plan.ts';
import { runPlan } from './plan/run.ts';
import { photoExamples } from './stages/examples.ts';
import { loadBackboneWeights } from './weights/load-backbone-weights.ts';

/** A row of Keras' `decode_predictions`. */
export interface Prediction {
  /** WordNet's, such as `n02124075`. */
  readonly synset: string;
  readonly label: string;
  readonly probability: number;
}

/**
 * What a network pretrained on ImageNet sees in a picture.
 *
 * @param weights `imagenet` or the path of a file
 * @param file a picture that sharp reads
 * @returns the `top` most probable classes, the most probable first
 * @throws TrainerError `weights_invalid`, `dataset_invalid` where the picture cannot be read
 */
export async function predict(
  name: BackboneName,
  weights: string,
  file: string,
  top: number,
): Promise<Prediction[]> {
  const { size, preprocess } = backbones[name];
  const picture = await readPicture(file);
  const set = { length: 1, picture: () => picture, label: () => 0 };
  const photo = await photoExamples({ set, indices: [0] }, { ...preprocess, size }).inputs(
    [0],
    createRandom(0),
  );
  const model = buildBackbone(name, { initialize: false });
  await loadBackboneWeights(model, name, weights, true);
  const plan = fusePlan(model);
  model.dispose();
  const probabilities = tf.tidy(() => runPlan(plan, photo).dataSync<'float32'>());
  disposePlan(plan);
  photo.dispose();
  return [...probabilities]
    .map((probability, index) => {
      const [synset, label] = imagenetLabels[index] as [string, string];
      return { synset, label, probability };
    })
    .sort((a, b) => b.probability - a.probability)
    .slice(0, top);
}

async function readPicture(file: string) {
  try {
    const { data, info } = await sharp(file)
      .rotate()
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: 3, data } as const;
  } catch (cause) {
    throw new TrainerError(
      'dataset_invalid',
      `Expected a picture at ${file}, but it cannot be read.`,
      cause,
    );
  }
}
