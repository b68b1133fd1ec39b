import * as tf from '@tensorflow/tfjs';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import type { KernelFormat } from '../config/quantizations.ts';
import { createRandom } from '../config/random.ts';
import { batchIndices, imageBatches } from '../data/batches.ts';
import { type Part, subset } from '../datasets/split.ts';
import { INFERENCE_BATCH } from '../evaluation/evaluate.ts';
import { SMALLEST_PROBABILITY } from '../evaluation/metrics.ts';
import { startProgress } from '../files/progress.ts';
import { loadGraph } from '../models/load-model.ts';
import { isMultiLabel, type Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { type KernelFormats, toArtifacts } from './graph-builder.ts';
import { toGraphModel } from './graph-model.ts';

/** The fraction of the 8-bit loss that may remain, and the fraction by which the model may grow for it. */
const REMAINING_LOSS = 0.1;
const EXTRA_BYTES = 0.1;

/** A few images suffice: a kernel's loss depends on its rounding more than on the images. */
const IMAGES = 128;

interface Sensitivity {
  /** `layer/kernel`. */
  readonly name: string;
  /** Number of weights. */
  readonly size: number;
  /** Loss from quantizing only this kernel to 8 bits, in nats per image. */
  readonly loss: number;
}

/**
 * Chooses the kernels to store in float16 while the others take 8 bits: those with the highest loss for
 * their size, until a tenth of the loss remains or the model is a tenth larger. Each kernel is quantized
 * alone, and the network runs on images; the loss is the divergence of its predictions from those in
 * float32, `KL(float32 ‖ quantized)`, which needs no labels.
 *
 * @param part images that are not test images, of which a sample is drawn
 * @returns the format of each kernel
 * @throws the signal's reason
 */
export async function chooseFormats(
  plan: Plan,
  preprocess: PreprocessSpec,
  { set, indices }: Part,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KernelFormat>> {
  const drawn = { set, indices: subset(indices, set, { count: IMAGES, seed: 1 }) };
  const source = imageBatches(drawn, preprocess);
  const { size } = preprocess;
  const { kernels } = await toGraphModel(plan, size, 'float32');
  const inputs: tf.Tensor[] = [];
  const expected: tf.Tensor[] = [];
  const divergenceOf = isMultiLabel(plan) ? labelDivergence : divergence;
  const progress = startProgress('Quantization, kernel by kernel', kernels.size * source.length);
  const lossOf = async (formats: KernelFormats): Promise<number> => {
    const graph = await loadGraph(toArtifacts(await toGraphModel(plan, size, formats)));
    try {
      let sum = 0;
      for (const [at, batch] of inputs.entries()) {
        signal.throwIfAborted();
        const loss = tf.tidy(() => divergenceOf(expected[at] as tf.Tensor, graph.run(batch)));
        sum += (await loss.data())[0] as number;
        loss.dispose();
      }
      return sum / source.length;
    } finally {
      graph.dispose();
    }
  };
  try {
    for (const batch of batchIndices(source.length, INFERENCE_BATCH)) {
      const input = await source.inputs(batch, createRandom(0));
      inputs.push(input);
      expected.push(tf.tidy(() => runPlan(plan, input)));
    }
    const sensitivities: Sensitivity[] = [];
    for (const [name, size] of kernels) {
      const formats = formatsOf(kernels, (kernel) => (kernel === name ? 'uint8' : 'float32'));
      sensitivities.push({ name, size, loss: await lossOf(formats) });
      progress.advance(source.length);
    }
    return await mix(kernels, sensitivities, lossOf);
  } finally {
    progress.stop();
    tf.dispose([inputs, expected]);
  }
}

/** Finds the shortest sufficient list of the most sensitive kernels, by bisection. */
async function mix(
  kernels: ReadonlyMap<string, number>,
  sensitivities: readonly Sensitivity[],
  lossOf: (formats: KernelFormats) => Promise<number>,
): Promise<ReadonlyMap<string, KernelFormat>> {
  const ranked = sensitivities.toSorted((a, b) => b.loss / b.size - a.loss / a.size);
  const formatsWith = (count: number) => {
    const names = new Set(ranked.slice(0, count).map(({ name }) => name));
    return formatsOf(kernels, (kernel) => (names.has(kernel) ? 'float16' : 'uint8'));
  };
  const enough = (await lossOf('uint8')) * REMAINING_LOSS;
  let [low, high] = [0, affordable(ranked)];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((await lossOf(formatsWith(middle))) <= enough) high = middle;
    else low = middle + 1;
  }
  return formatsWith(low);
}

/** How many of the first kernels may be stored in float16, at one more byte per weight. */
function affordable(ranked: readonly Sensitivity[]): number {
  let bytes = ranked.reduce((sum, { size }) => sum + size, 0) * EXTRA_BYTES;
  const end = ranked.findIndex(({ size }) => {
    bytes -= size;
    return bytes < 0;
  });
  return end < 0 ? ranked.length : end;
}

function formatsOf(
  kernels: ReadonlyMap<string, number>,
  format: (kernel: string) => KernelFormat,
): ReadonlyMap<string, KernelFormat> {
  return new Map([...kernels.keys()].map((kernel) => [kernel, format(kernel)]));
}

/** KL divergence, summed over a batch, in nats. */
function divergence(expected: tf.Tensor, actual: tf.Tensor): tf.Tensor {
  const log = (probabilities: tf.Tensor) => tf.log(probabilities.maximum(SMALLEST_PROBABILITY));
  return expected.mul(log(expected).sub(log(actual))).sum();
}

/** The same of labels that each have a probability of their own: of their presence and of their absence. */
function labelDivergence(expected: tf.Tensor, actual: tf.Tensor): tf.Tensor {
  return divergence(expected, actual).add(divergence(tf.sub(1, expected), tf.sub(1, actual)));
}
