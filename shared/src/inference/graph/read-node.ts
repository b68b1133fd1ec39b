import { type FoldedGraph, nodeOf } from '../fold-constants.ts';

type Node = FoldedGraph['topology']['node'][number];

/** An attribute as tfjs' JSON of TensorFlow's `AttrValue` has it, text in base64. */
interface Attribute {
  readonly b?: boolean;
  readonly f?: number;
  readonly i?: string;
  readonly s?: string;
  readonly list?: { readonly i?: readonly string[]; readonly s?: readonly string[] };
}

/** A node of a graph, its attributes by their types. */
export interface NodeReader {
  readonly name: string;
  readonly op: string;
  /** What it computes with, `name` or `name:1` of other nodes, in order. */
  readonly tensors: readonly string[];
  /** Its other inputs, constants of integers, in order. */
  readonly integers: readonly number[][];
  /** Of an `ExpandedDepthwise`, the convolution that is part of it: see fuse-expansion.ts. */
  readonly expansion?: NodeReader;
  /** Of an `InvertedResidual`, the `ExpandedDepthwise` that is part of it: see fuse-projection.ts. */
  readonly expanded?: NodeReader;
  flag(name: string): boolean;
  number(name: string): number;
  numbers(name: string): number[];
  text(name: string): string;
  texts(name: string): string[];
}

/** @param constants of integers, by name */
export function readNode(
  { name, op, input = [], attr = {} }: Node,
  constants: ReadonlyMap<string, number[]>,
): NodeReader {
  const inputs = input.map(nodeOf);
  const attribute = (key: string): Attribute => (attr[key] ?? {}) as Attribute;
  return {
    name,
    op,
    tensors: inputs.filter((reference) => !constants.has(reference)),
    integers: inputs.flatMap((reference) => {
      const values = constants.get(reference);
      return values ? [values] : [];
    }),
    flag: (key) => attribute(key).b ?? false,
    number: (key) => Number(attribute(key).f ?? attribute(key).i ?? 0),
    numbers: (key) => (attribute(key).list?.i ?? []).map(Number),
    text: (key) => atob(attribute(key).s ?? ''),
    texts: (key) => (attribute(key).list?.s ?? []).map(atob),
  };
}

/** Names of outputs that a single node reads, a single time: what computes them can become part of it. */
export function namesReadOnce(nodes: readonly NodeReader[]): ReadonlySet<string> {
  const once = new Set<string>();
  const more = new Set<string>();
  for (const name of nodes.flatMap(({ tensors }) => tensors))
    (once.has(name) ? more : once).add(name);
  return new Set([...once].filter((name) => !more.has(name)));
}
