import * as tf from '@tensorflow/tfjs-core';
import { isBorderline } from '../contract/known-score.ts';
import type { Arithmetic } from '../contract/model-card.ts';
import type { FoldedGraph } from './fold-constants.ts';
import { type Graph, loadGraph } from './graph/load-graph.ts';
import type { CallRecorder } from './kernels/call-recorder.ts';
import { createPredictor, type Predictor } from './kernels/predictor.ts';

/** A model's network: its outputs are probabilities and, of a model that has one, the score of unknown images. */
export interface Network extends Predictor, Pick<Graph, 'head' | 'embeddingWidth'> {
  /** The hidden outputs alone, for which no score is computed again. */
  hidden(values: Float32Array): Float32Array;
}

interface NetworkOptions {
  readonly arithmetic?: Arithmetic | undefined;
  /** Side of the square images. */
  readonly size: number;
  /** Of the WASM backend, where it is in use. */
  readonly recorder?: CallRecorder | undefined;
}

/**
 * Of weights: float32 wants a copy of them in another order, made of one that is kept for it, and a Worker has 128 MB for
 * the models that it keeps loaded, for code and for decoding.
 */
const MOST_BYTES = 6e6;

/** Whether a score that is borderline is computed again in float32. */
export function hasExactScore(
  { hasScore }: Graph,
  { weights }: FoldedGraph,
  arithmetic: Arithmetic,
): boolean {
  return hasScore && arithmetic === 'int8' && bytesOf(weights) <= MOST_BYTES;
}

function bytesOf(weights: FoldedGraph['weights']): number {
  return weights.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/**
 * Loads a network that computes one image at a time. An int8 score near the threshold is computed again in
 * float32, so that hardly any image is known in only one of them; its graph is loaded for the first such image. Hence
 * neither this nor `predict` may be called in a `tf.tidy`, which would free the weights.
 */
export function createNetwork(
  folded: FoldedGraph,
  { arithmetic = 'float32', size, recorder }: NetworkOptions,
): Network {
  const open = (folded: FoldedGraph, arithmetic: Arithmetic) => {
    const graph = loadGraph(folded, arithmetic);
    const shape = [1, size, size, 3];
    return { graph, predictor: createPredictor(graph.withFeatures, shape, recorder, graph.hidden) };
  };
  const { graph, predictor } = open(folded, arithmetic);
  let exact: ReturnType<typeof open> | undefined;
  let kept = hasExactScore(graph, folded, arithmetic) ? keepGraph(folded) : undefined;
  const settle = (outputs: Float32Array, values: Float32Array) => {
    const last = outputs.length - 1;
    if (!(kept || exact) || !isBorderline(outputs[last] as number)) return outputs;
    try {
      const restored = kept?.restore();
      kept?.dispose();
      kept = undefined;
      if (restored) exact = open(restored, 'float32');
      if (exact) outputs[last] = exact.predictor.predict(values).at(-1) as number;
    } catch {
      // Where memory is short, the score of 8 bits is better than no answer.
    }
    return outputs;
  };
  return {
    head: graph.head,
    embeddingWidth: graph.embeddingWidth,
    predict: (values) => settle(predictor.predict(values), values),
    predictAll(values) {
      const [outputs, hidden] = predictor.predictAll(values);
      return [settle(outputs, values), hidden];
    },
    hidden: (values) => predictor.predictAll(values)[1],
    dispose() {
      kept?.dispose();
      for (const one of [{ graph, predictor }, exact]) {
        one?.predictor.dispose();
        one?.graph.dispose();
      }
    },
  };
}

/**
 * Keeps a graph's weights in the backend's memory, which is freed at once: in V8's, those of models that come and go
 * would pile up until it collects.
 */
function keepGraph({ topology, weights }: FoldedGraph) {
  // tfjs stores a `bool` in a byte, whatever it is.
  const kept = weights.map(({ bytes, ...weight }) => {
    return { weight, tensor: tf.keep(tf.tensor1d(bytes, 'bool')) };
  });
  return {
    restore(): FoldedGraph {
      const restored = kept.map(({ weight, tensor }) => {
        return { ...weight, bytes: tensor.dataSync<'bool'>() as Uint8Array<ArrayBuffer> };
      });
      return { topology, weights: restored };
    },
    dispose: () => tf.dispose(kept.map(({ tensor }) => tensor)),
  };
}
