import * as tf from '@tensorflow/tfjs';
import type { Arithmetic } from 'shared/contract/model-card';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import { createRandom, shuffle } from '../config/random.ts';
import { imageBatches } from '../data/batches.ts';
import type { Part } from '../datasets/split.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import type { Rows } from '../evaluation/prototypes.ts';
import { startProgress } from '../files/progress.ts';
import { loadGraph } from '../models/load-model.ts';
import { type GraphModel, toArtifacts } from './graph-builder.ts';

/** How images become rows. */
export interface RowsTask {
  readonly preprocess: PreprocessSpec;
  readonly arithmetic: Arithmetic;
  readonly signal: AbortSignal;
}

/** @returns a row of the graph's output for each image, or of its mirror image */
export type RowsOf = ((title: string, part: Part, isMirrored?: boolean) => Promise<Rows>) & {
  dispose(): void;
};

/** @returns a function that runs images through a graph, as it is served */
export async function startRows(
  graph: GraphModel,
  { arithmetic, preprocess, signal }: RowsTask,
): Promise<RowsOf> {
  const network = await loadGraph(toArtifacts(graph), arithmetic);
  const mirrored = (images: tf.Tensor4D) => tf.tidy(() => network.run(tf.reverse4d(images, 2)));
  const rowsOf = async (title: string, part: Part, isMirrored = false): Promise<Rows> => {
    // The rows are no probabilities of labels.
    const { labels: _, ...source } = imageBatches(part, preprocess);
    const { advance, stop } = startProgress(title, source.length);
    // Nor would their accuracy say anything.
    const progress = { advance: (images: number) => advance(images), stop };
    const outputs = await evaluate(isMirrored ? mirrored : network.run, source, {
      progress,
      signal,
    });
    return { width: outputs.classes, values: outputs.probabilities };
  };
  return Object.assign(rowsOf, { dispose: () => network.dispose() });
}

export function eachRow({ width, values }: Rows): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, at) =>
    values.subarray(at * width, (at + 1) * width),
  );
}

/** Some images of a part, drawn at random. @param most how many at most */
export function drawFrom({ set, indices }: Part, most: number, seed: number): Part {
  return { set, indices: shuffle(indices, createRandom(seed)).slice(0, most) };
}
