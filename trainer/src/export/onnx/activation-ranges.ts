import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../config/random.ts';
import { type BatchSource, batchIndices } from '../../data/batches.ts';
import { startProgress } from '../../files/progress.ts';
import type { GraphNode } from '../graph-builder.ts';
import { withoutScoreNodes } from '../known-score.ts';

/** The smallest and the largest value of a node, 0 included, which padding has. */
export interface ActivationRange {
  readonly low: number;
  readonly high: number;
}

/** All activations of a batch are in memory at once. */
const BATCH = 8;

/**
 * Runs images through a graph, in float32, and notes between which values each of its nodes lies.
 *
 * @param artifacts as the trainer wrote them
 * @param source of network inputs
 * @returns by the nodes' names; nodes of several outputs are left out
 */
export async function activationRanges(
  artifacts: tf.io.ModelArtifacts,
  source: BatchSource,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ActivationRange>> {
  const { node } = artifacts.modelTopology as { readonly node: readonly GraphNode[] };
  const names = activationsIn(withoutScoreNodes(node));
  const graph = await tf.loadGraphModel({ load: async () => artifacts });
  const ranges = new Map<string, ActivationRange>();
  const progress = startProgress('Calibration', source.length);
  try {
    for (const indices of batchIndices(source.length, BATCH)) {
      signal.throwIfAborted();
      const inputs = await source.inputs(indices, createRandom(0));
      const extremes = tf.tidy(() => {
        const activations = [inputs, ...([graph.execute(inputs, names)].flat() as tf.Tensor[])];
        return tf.stack(activations.map((values) => tf.stack([values.min(), values.max()])));
      });
      const found = (await extremes.array()) as [number, number][];
      tf.dispose([inputs, extremes]);
      for (const [at, name] of [INPUT, ...names].entries()) {
        const { low, high } = ranges.get(name) ?? { low: 0, high: 0 };
        const [least, most] = found[at] as [number, number];
        ranges.set(name, { low: Math.min(low, least), high: Math.max(high, most) });
      }
      progress.advance(indices.length);
    }
  } finally {
    progress.stop();
    graph.dispose();
  }
  return ranges;
}

/** The name of the network's input among the ranges. */
export const INPUT = 'input';

/** Nodes that compute something of the input: not constants, nor products of them. */
function activationsIn(nodes: readonly GraphNode[]): string[] {
  const variable = new Set<string>();
  for (const { name, op, input = [] } of nodes) {
    const reads = input.some((one) => variable.has(one.replace(/:\d+$/, '')));
    if (op === 'Placeholder' || reads) variable.add(name);
  }
  return nodes
    .filter(({ name, op }) => variable.has(name) && op !== 'Placeholder' && op !== 'Split')
    .map(({ name }) => name);
}
