import * as tf from '@tensorflow/tfjs-core';
import { KNOWN_SCORE } from '../../contract/known-score.ts';
import type { Arithmetic } from '../../contract/model-card.ts';
import { type FoldedGraph, type StoredWeight, valuesOf } from '../fold-constants.ts';
import { tensorOf, type WeightUse } from '../kernels/dequantize.ts';
import { type Head, nodesOf } from './class-activation.ts';
import { fuseExpansion } from './fuse-expansion.ts';
import { fusePadding } from './fuse-padding.ts';
import { fuseProjection } from './fuse-projection.ts';
import { fuseSwish } from './fuse-swish.ts';
import { type Compute, graphOperations, operations } from './operations.ts';
import { embeddingOf, headOf } from './read-head.ts';
import { type NodeReader, readNode } from './read-node.ts';

/** A graph of one input, ready to run. */
export interface Graph {
  /**
   * @param input `[batch, height, width, channels]` float32 for the networks of the trainer
   * @returns the output, `[batch, classes]` for those, which the caller disposes
   * @throws Error for an input of other channels than the weights are for
   */
  run(input: tf.Tensor): tf.Tensor;
  /** The same, and after it the score `[batch, 1]` of a graph that says which images are known. */
  outputs(input: tf.Tensor): tf.Tensor[];
  readonly hasScore: boolean;
  /** The head of a graph of which class activation maps can be read. */
  readonly head: Head | undefined;
  /** Width of the features that the last dense layer reads; 0 for a graph that ends in another way. */
  readonly embeddingWidth: number;
  /** The outputs; after them those features, `[batch, width]`; and after these the head's nodes, where there are such. */
  withFeatures(input: tf.Tensor): tf.Tensor[];
  /** How many tensors it returns after the outputs. */
  readonly hidden: number;
  /** Frees the weights. */
  dispose(): void;
}

interface Step extends Pick<NodeReader, 'name' | 'tensors'> {
  readonly compute: Compute;
  /** What other steps have computed, and no later one reads. */
  readonly last: readonly string[];
}

/**
 * What tfjs-converter's `loadGraphModel` does for a graph that the trainer wrote, in a tenth of its
 * code, which a Worker would evaluate before its first answer: no ways to read files, no branches and
 * loops, no operations but `graphOperations`.
 *
 * @param graph as the trainer wrote it, folded
 * @param arithmetic what kernels of 8 bits are computed in, where `cnn-kernels.wasm` computes
 * @throws Error for an operation that the Worker has no code of, and for nodes out of order
 */
export function loadGraph(folded: FoldedGraph, arithmetic: Arithmetic): Graph {
  const { topology, weights } = folded;
  refuseForeign(topology.node.map(({ op }) => op));
  const integers = new Map(
    weights
      .filter(({ dtype }) => dtype === 'int32')
      .map((weight) => [weight.name, [...valuesOf(weight)]]),
  );
  const input = topology.node.find(({ op }) => op === 'Placeholder')?.name;
  const nodes = topology.node
    .filter(({ op }) => op in operations)
    .map((node) => readNode(node, integers));
  const output = nodes.at(-1)?.name;
  if (input === undefined || output === undefined) throw new Error('The model computes nothing.');
  const floats = weights.filter(({ name }) => !integers.has(name));
  const given = new Set([input, ...floats.map(({ name }) => name)]);
  refuseDisorder(nodes, given);
  const head = headOf(folded);
  const embedding = embeddingOf(folded);
  const features = [...(embedding ? [embedding.name] : []), ...(head ? nodesOf(head) : [])];
  const kept = new Set([...given, ...features]);
  const fused = fuseExpansion(fusePadding(fuseSwish(nodes)));
  const computed = arithmetic === 'int8' ? fuseProjection(fused) : fused;
  const steps = stepsOf(computed, kept);
  const useOf = usesIn(nodes, computed, arithmetic);
  const constants = constantsOf(floats, useOf);
  const names = [output, ...nodes.map(({ name }) => name).filter((name) => name === KNOWN_SCORE)];
  const execute = (tensor: tf.Tensor, wanted: readonly string[]): tf.Tensor[] =>
    tf.tidy(() => {
      const values = new Map([...constants, [input, tensor] as const]);
      for (const { name, tensors, compute, last } of steps) {
        const results = compute(...tensors.map((reference) => values.get(reference) as tf.Tensor));
        for (const [port, result] of [results].flat().entries())
          values.set(nameOf(name, port), result);
        for (const reference of last) values.get(reference)?.dispose();
      }
      return wanted.map((name) => values.get(name) as tf.Tensor);
    });
  return {
    head,
    embeddingWidth: embedding?.width ?? 0,
    hidden: features.length,
    hasScore: names.length > 1,
    run: (tensor) => execute(tensor, [output])[0] as tf.Tensor,
    outputs: (tensor) => execute(tensor, names),
    withFeatures: (tensor) => execute(tensor, [...names, ...features]),
    dispose() {
      for (const [, tensor] of constants) tensor.dispose();
    },
  };
}

function constantsOf(
  weights: readonly StoredWeight[],
  useOf: (weight: StoredWeight) => WeightUse,
): (readonly [name: string, tensor: tf.Tensor])[] {
  const constants: (readonly [string, tf.Tensor])[] = [];
  try {
    for (const weight of weights) constants.push([weight.name, tensorOf(weight, useOf(weight))]);
    return constants;
  } catch (error) {
    for (const [, tensor] of constants) tensor.dispose();
    throw error;
  }
}

function refuseForeign(used: readonly string[]): void {
  const known: ReadonlySet<string> = new Set(graphOperations);
  const foreign = new Set(used.filter((op) => !known.has(op)));
  if (foreign.size === 0) return;
  throw new Error(
    `The model has operations that the trainer does not write: ${[...foreign].join(', ')}. The Worker runs ${graphOperations.join(', ')}.`,
  );
}

function stepsOf(nodes: readonly NodeReader[], given: ReadonlySet<string>): Step[] {
  const lastReader = new Map(nodes.flatMap(({ name, tensors }) => tensors.map((t) => [t, name])));
  return nodes.map((node) => ({
    name: node.name,
    tensors: node.tensors,
    compute: operations[node.op as keyof typeof operations](node),
    last: [...new Set(node.tensors)].filter(
      (tensor) => lastReader.get(tensor) === node.name && !given.has(tensor),
    ),
  }));
}

function refuseDisorder(nodes: readonly NodeReader[], given: ReadonlySet<string>): void {
  const known = new Set(given);
  for (const { name, tensors } of nodes) {
    for (const reference of tensors) {
      if (known.has(nodeNameOf(reference))) continue;
      throw new Error(`The model's ${name} reads ${reference}, which no node before it computes.`);
    }
    known.add(name);
  }
}

/** A node's first output is called as the node. */
function nameOf(node: string, port: number): string {
  return port === 0 ? node : `${node}:${port}`;
}

function nodeNameOf(reference: string): string {
  return reference.replace(/:\d+$/, '');
}

/**
 * What each constant is for; one that is read twice is for any kernel.
 *
 * @param computed what was fused of the nodes
 */
function usesIn(
  nodes: readonly NodeReader[],
  computed: readonly NodeReader[],
  arithmetic: Arithmetic,
): (weight: { readonly name: string }) => WeightUse {
  const factors = new Set<string>();
  const others = new Set<string>();
  for (const node of nodes) {
    for (const [place, name] of node.tensors.entries()) {
      (place === 1 && hasCoveredFactor(node) ? factors : others).add(name);
    }
  }
  const residuals = computed.filter(({ op }) => op === 'InvertedResidual');
  const inResiduals = new Set(residuals.flatMap(({ tensors }) => tensors));
  return ({ name }) => {
    if (!factors.has(name) || others.has(name)) return 'values';
    if (arithmetic !== 'int8') return 'factor';
    return inResiduals.has(name) ? 'int8 residual' : 'int8 factor';
  };
}

function hasCoveredFactor(node: NodeReader): boolean {
  if (node.op === '_FusedMatMul') return !node.flag('transpose_a') && !node.flag('transpose_b');
  return (
    node.op === '_FusedConv2D' &&
    node.text('data_format') === 'NHWC' &&
    node.numbers('dilations').every((step) => step === 1)
  );
}
