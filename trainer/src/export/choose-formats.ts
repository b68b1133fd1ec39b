import * as tf from '@tensorflow/tfjs';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import { createRandom } from '../config/random.ts';
import { batches, photoExamples } from '../data/examples.ts';
import { type Part, subset } from '../datasets/split.ts';
import { INFERENCE_BATCH } from '../evaluation/evaluate.ts';
import { SMALLEST_PROBABILITY } from '../evaluation/metrics.ts';
import { startProgress } from '../files/progress.ts';
import { loadGraph } from '../models/load-model.ts';
import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { type KernelFormats, toArtifacts } from './graph-builder.ts';
import { toGraphModel } from './graph-model.ts';
import type { KernelFormat } from './quantize.ts';

/** What may remain of the loss of 8 bits, and how much more room this may take. */
const LOSS_LEFT = 0.1;
const MORE_BYTES = 0.1;

/** Few do: a kernel's loss is a property of its rounding more than of the images. */
const IMAGES = 128;

interface Sensitivity {
  /** `layer/kernel`. */
  readonly name: string;
  /** How many numbers it has. */
  readonly size: number;
  /** What 8 bits in this kernel alone cost, in nats an image. */
  readonly loss: number;
}

/**
 * Chooses which kernels stay in float16 while the others take 8 bits: those that cost the most for
 * their size, until a tenth of the loss is left or the model is a tenth larger. Each kernel is
 * quantized alone and the network run on images; the loss is the divergence of its answers from
 * those in float32, `KL(float32 ‖ quantized)`, which needs no labels.
 *
 * @param images other than those of the test; some are drawn
 * @returns a format for each kernel
 */
export async function chooseFormats(
  plan: Plan,
  preprocess: PreprocessSpec,
  { set, indices }: Part,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KernelFormat>> {
  const drawn = { set, indices: subset(indices, set, { count: IMAGES, seed: 1 }) };
  const examples = photoExamples(drawn, preprocess);
  const { size } = preprocess;
  const { kernels } = await toGraphModel(plan, size, 'float32');
  const inputs: tf.Tensor[] = [];
  const expected: tf.Tensor[] = [];
  const progress = startProgress('Quantization, kernel by kernel', kernels.size * examples.length);
  const lossOf = async (formats: KernelFormats): Promise<number> => {
    const graph = await loadGraph(toArtifacts(await toGraphModel(plan, size, formats)));
    try {
      let sum = 0;
      for (const [at, batch] of inputs.entries()) {
        signal.throwIfAborted();
        const loss = tf.tidy(() => divergence(expected[at] as tf.Tensor, graph.run(batch)));
        sum += (await loss.data())[0] as number;
        loss.dispose();
      }
      return sum / examples.length;
    } finally {
      graph.dispose();
    }
  };
  try {
    for (const batch of batches(examples.length, INFERENCE_BATCH)) {
      const input = await examples.inputs(batch, createRandom(0));
      inputs.push(input);
      expected.push(tf.tidy(() => runPlan(plan, input)));
    }
    const sensitivities: Sensitivity[] = [];
    for (const [name, size] of kernels) {
      const formats = formatsOf(kernels, (kernel) => (kernel === name ? 'uint8' : 'float32'));
      sensitivities.push({ name, size, loss: await lossOf(formats) });
      progress.advance(examples.length);
    }
    return await mix(kernels, sensitivities, lossOf);
  } finally {
    progress.stop();
    tf.dispose([inputs, expected]);
  }
}

/** The shortest list of the most sensitive kernels that is enough, by bisection. */
async function mix(
  kernels: ReadonlyMap<string, number>,
  sensitivities: readonly Sensitivity[],
  lossOf: (formats: KernelFormats) => Promise<number>,
): Promise<ReadonlyMap<string, KernelFormat>> {
  const ranked = sensitivities.toSorted((a, b) => b.loss / b.size - a.loss / a.size);
  const fine = (count: number) => {
    const names = new Set(ranked.slice(0, count).map(({ name }) => name));
    return formatsOf(kernels, (kernel) => (names.has(kernel) ? 'float16' : 'uint8'));
  };
  const enough = (await lossOf('uint8')) * LOSS_LEFT;
  let [low, high] = [0, affordable(ranked)];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((await lossOf(fine(middle))) <= enough) high = middle;
    else low = middle + 1;
  }
  return fine(low);
}

/** How many of the first may be in float16, at a byte more for each of their numbers. */
function affordable(ranked: readonly Sensitivity[]): number {
  let bytes = ranked.reduce((sum, { size }) => sum + size, 0) * MORE_BYTES;
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

/** Sum over a batch, in nats. */
function divergence(expected: tf.Tensor, actual: tf.Tensor): tf.Tensor {
  const log = (probabilities: tf.Tensor) => tf.log(probabilities.maximum(SMALLEST_PROBABILITY));
  return expected.mul(log(expected).sub(log(actual))).sum();
}
