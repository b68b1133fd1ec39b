/**
 * How well a model tells images of its classes from others.
 *
 *     pnpm --filter trainer bench:unknown --model <id or folder> --data <folder> --foreign <folder>
 *
 * `--data` has a folder of images for each class. Where the model was trained on it, those count that were held out to
 * test, else all. `--foreign` has images of none of the classes, at any depth. The
 * score is compared with the largest probability and with the energy of the logits (Liu et al. 2020), by AUROC and by
 * the share let through where 95 % of the known images are kept; the last two rows are what the score's own
 * threshold does, and how many known images are borderline, which int8 computes again in float32. A ratio is of the peer's share of wrongly ordered pairs, 1 − AUROC, to ours. The last line is JSON.
 */
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { reportFigures } from 'shared/bench/report-figures';
import { isBorderline, KNOWN_FROM } from 'shared/contract/known-score';
import { startBackend } from '../../src/backends/start-backend.ts';
import { createRandom } from '../../src/config/random.ts';
import { imageBatches } from '../../src/data/batches.ts';
import type { ImageSet } from '../../src/datasets/dataset.ts';
import { listImages } from '../../src/datasets/list-images.ts';
import { type Part, whole } from '../../src/datasets/split.ts';
import { TrainerError } from '../../src/errors.ts';
import { readImage } from '../../src/evaluation/predict.ts';
import { quantile, separate } from '../../src/evaluation/separation.ts';
import { openCardImages, readingFor } from '../../src/export/card-images.ts';
import { fromArtifacts, toArtifacts } from '../../src/export/graph-builder.ts';
import { cutGraph, headOf } from '../../src/export/known-score.ts';
import { formatPercent } from '../../src/files/progress.ts';
import { fromUser } from '../../src/files/project.ts';
import { loadGraph, readModel } from '../../src/models/load-model.ts';

const MODELS = fileURLToPath(new URL('../../../edge/public/models', import.meta.url));
const KEEP = 0.95;
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    foreign: { type: 'string' },
    record: { type: 'boolean' },
  },
});
const { model: named, data, foreign } = values;
if (named === undefined || data === undefined || foreign === undefined) {
  throw new TrainerError(
    'config_invalid',
    'Expected --model, --data <folder> and --foreign <folder>.',
  );
}
await startBackend('auto', console.log);
const { card, artifacts } = await readModel(
  named.includes('/') ? fromUser(named) : join(MODELS, named),
);
const reading = readingFor(card, { signal: new AbortController().signal, say: console.log });
const arithmetic = card.quantization.arithmetic ?? 'float32';
const served = await loadGraph(artifacts, arithmetic);
const model = fromArtifacts(artifacts);
const head = await loadGraph(toArtifacts(cutGraph(model, headOf(model).logits)), arithmetic);
const known = await measure(await openKnown(fromUser(data)));
const others = await measure(whole(await openForeign(fromUser(foreign))));
head.dispose();
served.dispose();

const methods = ['score', 'probability', 'energy'] as const;
const rows = methods.map((method) => {
  const [inside, outside] = [known, others].map((seen) => seen.map((one) => one[method])) as [
    number[],
    number[],
  ];
  const threshold = quantile(inside, 1 - KEEP);
  const { auroc, letThrough } = separate(inside, outside, threshold);
  return { method, auroc, letThroughAt95: letThrough };
});
const { kept, letThrough } = separate(
  known.map(({ score }) => score),
  others.map(({ score }) => score),
  KNOWN_FROM,
);
console.log(`${card.id}: ${known.length} known images, ${others.length} foreign ones`);
for (const { method, auroc, letThroughAt95 } of rows) {
  console.log(
    `${method}: AUROC ${auroc.toFixed(3)}, ${formatPercent(letThroughAt95)} let through where ${formatPercent(KEEP)} are kept`,
  );
}
const borderline = known.filter(({ score }) => isBorderline(score)).length / known.length;
console.log(
  `The threshold keeps ${formatPercent(kept)}, and lets ${formatPercent(letThrough)} through; ${formatPercent(borderline)} of the known images are borderline.`,
);
const [ours, probability, energy] = rows.map(({ auroc }) => auroc) as [number, number, number];
await reportFigures('trainer bench:unknown', {
  ...{ model: card.id, data: basename(data), foreign: basename(foreign) },
  ...{
    known: known.length,
    others: others.length,
    kept,
    let_through: letThrough,
    borderline,
    methods: rows,
  },
  ratio_largest_probability: (1 - probability) / (1 - ours),
  ratio_energy: (1 - energy) / (1 - ours),
});

/** The images of the classes that the model has not been trained on. */
async function openKnown(path: string): Promise<Part> {
  const { dataset, splits } = await openCardImages(card, path, reading);
  return card.training?.data?.hash === dataset.hash ? splits.test : whole(dataset.train);
}

/** The images of a folder, at any depth. */
async function openForeign(path: string): Promise<ImageSet> {
  const paths = await listImages(path);
  return {
    length: paths.length,
    label: () => 0,
    image: (index, size = card.preprocess.size) => readImage(paths[index] as string, size),
  };
}

async function measure(part: Part) {
  const source = imageBatches(part, card.preprocess);
  const seen: { readonly score: number; readonly probability: number; readonly energy: number }[] =
    [];
  for (let at = 0; at < source.length; at++) {
    const input = await source.inputs([at], createRandom(0));
    const [probabilities, scores] = served.outputs?.(input) ?? [];
    const logits = head.run(input);
    if (!probabilities || !scores)
      throw new TrainerError('model_invalid', `Expected a score of ${card.id}.`);
    const [[score], ofClasses, ofLogits] = (await Promise.all(
      [scores, probabilities, logits].map((tensor) => tensor.data<'float32'>()),
    )) as [[number], Float32Array, Float32Array];
    const energy = Math.log(ofLogits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    seen.push({ score, probability: Math.max(...ofClasses), energy });
    tf.dispose([input, probabilities, scores, logits]);
  }
  return seen;
}
