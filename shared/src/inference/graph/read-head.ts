import { type FoldedGraph, nodeOf, type StoredWeight, valuesOf } from '../fold-constants.ts';
import type { Head } from './class-activation.ts';
import { activationOf } from './operations.ts';
import { readNode } from './read-node.ts';

type Node = FoldedGraph['topology']['node'][number];

/** Gradients of activations by their output. */
const SLOPES: Readonly<Record<string, (output: number) => number>> = {
  relu: (output) => Number(output > 0),
  relu6: (output) => Number(output > 0 && output < 6),
  sigmoid: (output) => output * (1 - output),
  tanh: (output) => 1 - output * output,
};

/** What the last dense layer reads: its node, `[n, width]`. @returns nothing for a graph that ends in another way */
export function embeddingOf(
  folded: FoldedGraph,
): { readonly name: string; readonly width: number } | undefined {
  const graph = new Reader(folded);
  const dense = graph.before(folded.topology.node.at(-1));
  const width = graph.weight(dense)?.shape[0];
  const [features] = dense?.input ?? [];
  if (dense?.op !== '_FusedMatMul' || features === undefined || width === undefined) return;
  return { name: nodeOf(features), width };
}

/** The head of a graph, as class activation maps need it. @returns nothing for a graph with another head */
export function headOf(folded: FoldedGraph): Head | undefined {
  const graph = new Reader(folded);
  const layers: Head['layers'][number][] = [];
  let at = graph.before(folded.topology.node.at(-1));
  while (at?.op === '_FusedMatMul') {
    const kernel = graph.weight(at);
    if (!kernel) return;
    at = graph.beforeDropout(at);
    const slope = at && SLOPES[activationIn(at)];
    layers.push({
      kernel: copied(kernel),
      ...(at && slope && { activation: { node: at.name, slope } }),
    });
    if (slope && at?.op !== '_FusedMatMul') at = graph.beforeDropout(at);
  }
  const first = layers.at(-1);
  const features = first && !first.activation && featuresOf(at, first.kernel, graph);
  return features ? { layers, features } : undefined;
}

/** @param at the node that the first dense layer reads */
function featuresOf(
  at: Node | undefined,
  kernel: StoredWeight,
  graph: Reader,
): Head['features'] | undefined {
  const last = graph.before(at);
  if (!last) return;
  if (at?.op === 'Reshape') {
    const channels = graph.channels(last);
    return channels > 0 ? { node: last.name, channels, isFlat: true } : undefined;
  }
  const axes = graph.weight(at);
  if (at?.op !== 'Mean' || !axes || `${valuesOf(axes)}` !== '1,2') return;
  const [before, convolution] = [graph.before(last), graph.weight(last)];
  if (before && convolution && isLinear(last, convolution)) {
    const [, , channels = 0] = convolution.shape;
    return { node: before.name, channels, isFlat: false, convolution: copied(convolution) };
  }
  return { node: last.name, channels: kernel.shape[0] as number, isFlat: false };
}

/** Whether a node is a convolution of more than a place, and each place is read by as many outputs. */
function isLinear(node: Node, { shape: [height = 1, width = 1] }: StoredWeight): boolean {
  if (node.op !== '_FusedConv2D' || height * width === 1) return false;
  const { text, numbers } = readNode(node, new Map());
  return (
    activationIn(node) === 'linear' &&
    text('padding') === 'SAME' &&
    [...numbers('strides'), ...numbers('dilations')].every((step) => step === 1)
  );
}

function activationIn(node: Node): string {
  return node.op.startsWith('_Fused')
    ? activationOf(readNode(node, new Map()))
    : node.op.toLowerCase();
}

/** The file of which a weight is a part is not needed any more. */
function copied(weight: StoredWeight): StoredWeight {
  return { ...weight, bytes: weight.bytes.slice() };
}

class Reader {
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #weights: ReadonlyMap<string, StoredWeight>;

  constructor({ topology, weights }: FoldedGraph) {
    this.#nodes = new Map(topology.node.map((node) => [node.name, node]));
    this.#weights = new Map(weights.map((weight) => [weight.name, weight]));
  }

  /** The node that another one reads first. */
  before(node: Node | undefined): Node | undefined {
    return this.#nodes.get(nodeOf(node?.input?.[0] ?? ''));
  }

  beforeDropout(node: Node | undefined): Node | undefined {
    const before = this.before(node);
    return before?.op === 'Identity' ? this.beforeDropout(before) : before;
  }

  /** The weight that a node reads second. */
  weight(node: Node | undefined): StoredWeight | undefined {
    return this.#weights.get(nodeOf(node?.input?.[1] ?? ''));
  }

  /** Of a node's output: those of the convolutions that it comes from; 0 where it comes from none. */
  channels(node: Node): number {
    const filters = this.weight(node)?.shape[3];
    if (node.op === '_FusedConv2D' && filters !== undefined) return filters;
    const read = (node.input ?? []).map((name) => this.#nodes.get(nodeOf(name)));
    const sources = node.op === 'ConcatV2' ? read : read.slice(0, 1);
    return sources.reduce((sum, source) => sum + (source ? this.channels(source) : 0), 0);
  }
}
