import { KNOWN_SCORE } from 'shared/contract/known-score';
import { foldGraph, nodeOf, valuesOf } from 'shared/inference/fold-constants';
import type { Rows } from '../evaluation/prototypes.ts';
import { fusedOps, integerType } from '../plan/graph-writer.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import type { Contrast, Directions } from './contrast/contrast.ts';
import {
  bytesOf,
  GraphBuilder,
  type GraphModel,
  type GraphNode,
  toArtifacts,
} from './graph-builder.ts';

/** The names of the score's nodes and weights begin so. */
const PREFIX = KNOWN_SCORE.slice(0, KNOWN_SCORE.indexOf('/') + 1);

/** Keeps a feature vector of zeros from becoming NaN. */
const EPSILON = 1e-12;

/** The score of the median known image. */
export const MEDIAN_SCORE = 0.9;

/** What a contrast of 1 counts, in cosines: of 0.2 to 0.5, all told photos apart about as well. */
export const CONTRAST_WEIGHT = 0.5;

/** How a graph computes the score: `sigmoid(slope · value + offset)`. */
export interface KnownScoreNodes {
  /**
   * The value without prototypes is the largest logit of the features, none of which counts for more than this
   * (Sun et al. 2021, ReAct, equation 1); without it, of the features as they are.
   */
  readonly clip?: number | undefined;
  /** Directions of norm 1, to the nearest of which the value is the cosine. */
  readonly prototypes?: Rows | undefined;
  /** What has been taken from each prototype to move it away from counter-examples, if anything. */
  readonly counter?: Float32Array | undefined;
  /** What is added to the cosine, times `CONTRAST_WEIGHT`, if anything. */
  readonly contrast?: Contrast | undefined;
  readonly slope: number;
  readonly offset: number;
}

/** Where the score's value comes from in a graph that ends in a dense layer and a softmax, or a sigmoid. */
export function headOf({ topology: { node } }: Pick<GraphModel, 'topology'>): {
  /** The node of the logits, `[n, classes]`. */
  readonly logits: string;
  /** The node of the last dense layer's input, `[n, channels]`. */
  readonly features: string;
} {
  const last = node.at(-1);
  const dense = node.find(({ name }) => name === nodeOf(last?.input[0] ?? ''));
  if (dense?.op !== '_FusedMatMul' || !(last?.op === 'Softmax' || last?.op === 'Sigmoid')) {
    throw new Error('Expected a graph that ends in a dense layer and a softmax or a sigmoid.');
  }
  return { logits: dense.name, features: nodeOf(dense.input[0] as string) };
}

/** The part of a graph up to a node, which becomes its output. */
export function cutGraph(model: GraphModel, name: string): GraphModel {
  const { node, versions } = model.topology;
  const at = node.findIndex((one) => one.name === name);
  return { ...model, topology: { node: node.slice(0, at + 1), versions } };
}

/** The nodes of a graph without those of a score. */
export function withoutScoreNodes<T extends { readonly name: string }>(nodes: readonly T[]): T[] {
  return nodes.filter(({ name }) => !name.startsWith(PREFIX));
}

/** A graph without the nodes and weights of a score. */
export function withoutKnownScore(model: GraphModel): GraphModel {
  const { node, versions } = model.topology;
  // Its weights are the last ones.
  const { weightData } = splitWeights(model)[0];
  return {
    ...model,
    topology: { node: withoutScoreNodes(node), versions },
    weightSpecs: withoutScoreNodes(model.weightSpecs),
    weightData,
  };
}

/** How a graph computes its score; undefined where it has none. */
export function readKnownScore(model: GraphModel): KnownScoreNodes | undefined {
  const { weights } = foldGraph(toArtifacts(model));
  const valuesIn = (part: string) => {
    const weight = weights.find(({ name }) => name === named(part));
    return weight && { shape: weight.shape, values: valuesOf(weight) as Float32Array };
  };
  const [slope, offset, clip, kernel] = ['slope', 'offset', 'clip', 'prototypes'].map(valuesIn);
  if (!slope || !offset) return undefined;
  const [factor = 0] = slope.values;
  const [moved = 0] = offset.values;
  if (!kernel) {
    return { ...(clip && { clip: -(clip.values[0] as number) }), slope: factor, offset: moved };
  }
  const [width = 1] = kernel.shape;
  const isLast = model.weightSpecs.at(-1)?.name === `${PREFIX}counter`;
  const counter = model.weightData.slice(-4 * width).buffer;
  const directionsIn = (part: Side): Directions | undefined => {
    const [kernel, bias] = [valuesIn(part), valuesIn(`${part}/bias`)];
    const unit = CONTRAST_WEIGHT * Math.sqrt(width);
    return (
      kernel && bias && { rows: rowsOf(kernel, unit), bias: bias.values.map((one) => one / unit) }
    );
  };
  const [known, others] = [directionsIn('own'), directionsIn('others')];
  return {
    ...(isLast && { counter: new Float32Array(counter) }),
    ...(known && others && { contrast: { known, others } }),
    prototypes: rowsOf(kernel),
    slope: factor * Math.sqrt(width),
    offset: moved,
  };
}

/** The two sides of a contrast, as the graph calls them. */
type Side = 'own' | 'others';

/** The columns of a dense layer's kernel, divided by a number. */
function rowsOf({ shape: [width = 1, count = 1], values }: NamedTensor, unit = 1): Rows {
  const { values: rows } = transpose({ width: count, values });
  return { width, values: rows.map((value) => value / unit) };
}

/**
 * Adds the score to a graph, before its last node, the probabilities: see `KNOWN_SCORE`. Its weights come last.
 *
 * @param model without a score
 */
export function withKnownScore(model: GraphModel, score: KnownScoreNodes): GraphModel {
  const { prototypes, counter, slope, offset } = score;
  const { features } = headOf(model);
  const graph = new GraphBuilder('uint8');
  const value = prototypes
    ? addCosine(graph, features, { ...score, prototypes })
    : addLargestLogit(graph, model, score.clip);
  // The cosine comes multiplied by the root of the width.
  const factor = prototypes ? slope / Math.sqrt(prototypes.width) : slope;
  const scaled = graph.node(named('scaled'), 'Mul', [value, number(graph, 'slope', factor)]);
  const moved = graph.node(named('moved'), 'AddV2', [scaled, number(graph, 'offset', offset)]);
  graph.node(KNOWN_SCORE, 'Sigmoid', [moved]);
  // No node reads it: prototypes of classes that are added later are moved by the same.
  if (counter) graph.float(named('counter'), { shape: [counter.length], values: counter });
  const added = graph.finish({ name: '', shape: [] }, { name: '', shape: [] });
  const { node, versions } = model.topology;
  return {
    ...model,
    topology: {
      node: [...node.slice(0, -1), ...added.topology.node, node.at(-1) as GraphNode],
      versions,
    },
    weightSpecs: [...model.weightSpecs, ...added.weightSpecs],
    weightData: new Uint8Array(Buffer.concat([model.weightData, added.weightData])),
  };
}

/** The node of a score's value where it has no prototypes, `[n, 1]`. */
export const LARGEST_LOGIT = `${PREFIX}largest`;

/** The classifier's own weights serve a second time where features are clipped. */
function addLargestLogit(graph: GraphBuilder, model: GraphModel, clip: number | undefined): string {
  const { logits, features } = headOf(model);
  const dense = model.topology.node.find(({ name }) => name === logits) as GraphNode;
  if (clip === undefined) return overRow(graph, 'largest', 'Max', logits);
  const beyond = graph.node(named('beyond'), 'AddV2', [features, number(graph, 'clip', -clip)]);
  const over = graph.node(named('over'), 'Relu', [beyond]);
  const less = graph.node(named('less'), 'Mul', [over, number(graph, 'minus', -1)]);
  const clipped = graph.node(named('clipped'), 'AddV2', [features, less]);
  const weights = dense.input.slice(1);
  const products = graph.node(named('logits'), dense.op, [clipped, ...weights], dense.attr);
  return overRow(graph, 'largest', 'Max', products);
}

/**
 * The cosine to the nearest prototype, and the contrast where there is one, times the root of the width: the mean of
 * squares is the squared norm divided by the number of channels.
 */
function addCosine(
  graph: GraphBuilder,
  features: string,
  { prototypes, contrast }: KnownScoreNodes & { readonly prototypes: Rows },
): string {
  const { width } = prototypes;
  const bias = new Float32Array(prototypes.values.length / width);
  const nearest = addLargest(graph, features, 'prototypes', { rows: prototypes, bias });
  const squares = graph.node(named('squares'), 'Mul', [features, features]);
  const mean = overRow(graph, 'mean', 'Mean', squares);
  const positive = graph.node(named('positive'), 'AddV2', [
    mean,
    number(graph, 'epsilon', EPSILON),
  ]);
  const inverse = graph.node(named('inverse'), 'Rsqrt', [positive]);
  const cosine = graph.node(named('cosine'), 'Mul', [nearest, inverse]);
  if (!contrast) return cosine;
  const unit = CONTRAST_WEIGHT * Math.sqrt(width);
  const own = addLargest(graph, features, 'own', contrast.known, unit);
  const others = addLargest(graph, features, 'others', contrast.others, unit);
  const less = graph.node(named('less'), 'Mul', [others, number(graph, 'minus', -1)]);
  const added = graph.node(named('contrast'), 'AddV2', [own, less]);
  return graph.node(named('both'), 'AddV2', [cosine, added]);
}

/** The largest of some logits, times a number. */
function addLargest(
  graph: GraphBuilder,
  features: string,
  part: 'prototypes' | Side,
  { rows, bias }: Directions,
  unit = 1,
): string {
  const scaled = { width: rows.width, values: rows.values.map((value) => unit * value) };
  const products = graph.node(
    named(`${part}/products`),
    '_FusedMatMul',
    [
      features,
      graph.kernel(named(part), transpose(scaled), 1),
      graph.float(named(`${part}/bias`), {
        shape: [bias.length],
        values: bias.map((value) => unit * value),
      }),
    ],
    { transpose_a: { b: false }, transpose_b: { b: false }, ...fusedOps(['BiasAdd']) },
  );
  return overRow(graph, `${part}/largest`, 'Max', products);
}

function overRow(graph: GraphBuilder, part: string, op: 'Max' | 'Mean', input: string): string {
  return graph.node(named(part), op, [input, graph.integers(named(`${part}/axes`), [1])], {
    ...integerType('Tidx'),
    keep_dims: { b: true },
  });
}

function number(graph: GraphBuilder, part: string, value: number): string {
  return graph.float(named(part), { shape: [1], values: Float32Array.of(value) });
}

function named(part: string): string {
  return `${PREFIX}${part}`;
}

/** Weights of a graph, with the names of their entries in the manifest. */
export type WeightGroup = Pick<GraphModel, 'weightSpecs' | 'weightData'>;

/** The network's own weights, and those of the score, which may be fitted again without touching them. */
export function splitWeights({ weightSpecs, weightData }: WeightGroup): [WeightGroup, WeightGroup] {
  const at = weightSpecs.findIndex(({ name }) => name.startsWith(PREFIX));
  const own = at < 0 ? weightSpecs : weightSpecs.slice(0, at);
  const bytes = own.reduce((sum, spec) => sum + bytesOf(spec), 0);
  return [
    { weightSpecs: own, weightData: weightData.subarray(0, bytes) },
    { weightSpecs: weightSpecs.slice(own.length), weightData: weightData.subarray(bytes) },
  ];
}

/** Prototypes as the columns of a dense layer's kernel, `[width, prototypes]`. */
function transpose({ width, values }: Rows) {
  const count = values.length / width;
  const columns = new Float32Array(values.length);
  for (const [i, value] of values.entries()) {
    columns[(i % width) * count + Math.floor(i / width)] = value;
  }
  return { shape: [width, count], values: columns };
}
