import { createRandom } from '../../src/config/random.ts';
import { type LabelPredictions, measureLabels } from '../../src/evaluation/label-metrics.ts';
import { quantile } from '../../src/evaluation/separation.ts';

const DRAWS = 1000;

/**
 * 95 % intervals of the mean average precision of several methods, and of its difference to the first's, by the
 * percentiles of {@link DRAWS} bootstrap samples of the images (Efron 1979), the same for all methods.
 */
export function bootstrap(methods: readonly LabelPredictions[], seed: number) {
  const random = createRandom(seed);
  const samples: number[][] = [];
  for (let draw = 0; draw < DRAWS; draw++) {
    const images = methods[0]?.labels.map((_, __, { length }) => random.below(length)) ?? [];
    samples.push(methods.map((predictions) => meanAveragePrecision(some(predictions, images))));
  }
  const intervalOf = (quantity: (sample: readonly number[]) => number) => {
    const values = samples.map(quantity);
    return [quantile(values, 0.025), quantile(values, 0.975)] as const;
  };
  return methods.map((_, at) => ({
    interval: intervalOf((sample) => sample[at] as number),
    behindFirst: intervalOf((sample) => (sample[at] as number) - (sample[0] as number)),
  }));
}

function meanAveragePrecision(predictions: LabelPredictions): number {
  return measureLabels(predictions, Array(predictions.classes).fill(0.5)).meanAveragePrecision;
}

function some(predictions: LabelPredictions, images: Iterable<number>): LabelPredictions {
  const { classes, probabilities, targets, labels } = predictions;
  const chosen = [...images];
  const places = chosen.flatMap((image) =>
    Array.from({ length: classes }, (_, label) => image * classes + label),
  );
  return {
    classes,
    probabilities: Float32Array.from(places, (place) => probabilities[place] as number),
    targets: Uint8Array.from(places, (place) => targets[place] as number),
    labels: Int32Array.from(chosen, (image) => labels[image] as number),
  };
}
