import type { io } from '@tensorflow/tfjs-core';
import { concatenate } from '../contract/concatenate.ts';

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Record<string, unknown>;
}

/** A constant of a graph as its file has it: `(step · scale + min) · factor` is a value of it. */
export interface StoredWeight {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: io.WeightsManifestEntry['dtype'];
  readonly format: keyof typeof ARRAYS;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly scale: number;
  readonly min: number;
  /** One for all, or one for each index of the last dimensions. */
  readonly factors: Float32Array<ArrayBuffer>;
}

/** A graph without products of constants. */
export interface FoldedGraph {
  readonly topology: { readonly node: readonly GraphNode[] };
  readonly weights: readonly StoredWeight[];
}

/**
 * Replaces each `Mul(kernel, scale)` of two constants by its product.
 *
 * The model directory stores a kernel in whole steps, divided by its channels' scales, since the tfjs
 * format has one scale a tensor. Any tfjs program computes the product, but at each inference
 * (35 → 60 ms for EfficientNet-Lite0); here it is computed once, at loading.
 *
 * Products of other shapes stay as they are.
 *
 * @param artifacts a graph model whose scales repeat over the kernel's leading dimensions
 */
export function foldGraph(artifacts: io.ModelArtifacts): FoldedGraph {
  const topology = artifacts.modelTopology as FoldedGraph['topology'];
  const weights = storedWeights(artifacts);
  const nodes: GraphNode[] = [];
  for (const node of topology.node) {
    const [kernel, scale] = (node.input ?? []).map((name) => weights.get(nodeOf(name)));
    if (node.op !== 'Mul' || !kernel || !scale || !isScaleOf(scale.shape, kernel.shape)) {
      nodes.push(node);
      continue;
    }
    nodes.push({ name: node.name, op: 'Const', attr: node.attr ?? {} });
    weights.set(node.name, {
      ...(kernel.factors === ONE ? kernel : asFloats(kernel)),
      name: node.name,
      factors: floatValues(scale),
    });
  }
  // Constants that nothing reads any more are dropped.
  const read = new Set(nodes.flatMap((node) => node.input ?? []).map(nodeOf));
  return {
    topology: {
      ...topology,
      node: nodes.filter((node) => node.op !== 'Const' || read.has(node.name)),
    },
    weights: [...weights.values()].filter(({ name }) => read.has(name)),
  };
}

/** Whether a shape is that of another's last dimensions, or of one number. */
function isScaleOf(scale: readonly number[], shape: readonly number[]): boolean {
  const skipped = shape.length - scale.length;
  const isOne = scale.every((side) => side === 1);
  return skipped >= 0 && (isOne || scale.every((side, i) => side === shape[skipped + i]));
}

/** @returns float32, or int32 for what is stored as such */
export function valuesOf(
  weight: StoredWeight,
): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  return weight.format === 'int32'
    ? new Int32Array<ArrayBuffer>(weight.bytes.slice().buffer)
    : floatValues(weight);
}

/** @returns float32, a column of a matrix */
export function columnOf(weight: StoredWeight, column: number): Float32Array<ArrayBuffer> {
  const { shape, scale, min, factors } = weight;
  const [rows = 0, columns = 1] = shape;
  const steps = stepsOf(weight);
  const factor = factors[column % factors.length] as number;
  const values = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    values[row] = ((steps[row * columns + column] as number) * scale + min) * factor;
  }
  return values;
}

/**
 * @param vector a number for each column
 * @param factors for each row, by which its product is multiplied; of a row of 0, none is made
 * @returns float32, the product of each row with the vector, where the rows are all dimensions but the last
 */
export function rowsTimes(
  weight: StoredWeight,
  vector: Float32Array,
  factors?: Float32Array,
): Float32Array<ArrayBuffer> {
  const { scale, min } = weight;
  const steps = stepsOf(weight);
  const columns = vector.length;
  // After a ReLU, most are 0.
  const used = Int32Array.from([...vector.keys()].filter((column) => vector[column] !== 0));
  const scaled = Float64Array.from(
    used,
    (column) =>
      (vector[column] as number) * (weight.factors[column % weight.factors.length] as number),
  );
  const offset = min * scaled.reduce((sum, value) => sum + value, 0);
  const products = new Float32Array(steps.length / columns);
  const rows = [...products.keys()].filter((row) => factors?.[row] !== 0);
  const sums = new Float64Array(4);
  for (let at = 0; at < rows.length; at += 4) {
    // The last row stands in for those that would come after it.
    const row = (i: number) => rows[Math.min(at + i, rows.length - 1)] as number;
    const from = (i: number) => row(i) * columns;
    sumFour(steps, from(0), from(1), from(2), from(3), used, scaled, sums);
    for (let i = 0; i < 4; i++) {
      products[row(i)] = (factors?.[row(i)] ?? 1) * (scale * (sums[i] as number) + offset);
    }
  }
  return products;
}

/** Four rows at once, since a sum waits for the one before it; a function of its own, which V8 optimizes sooner. */
function sumFour(
  steps: ReturnType<typeof stepsOf>,
  a: number,
  b: number,
  c: number,
  d: number,
  columns: Int32Array,
  factors: Float64Array,
  sums: Float64Array,
): void {
  let sumA = 0;
  let sumB = 0;
  let sumC = 0;
  let sumD = 0;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i] as number;
    const factor = factors[i] as number;
    sumA += (steps[a + column] as number) * factor;
    sumB += (steps[b + column] as number) * factor;
    sumC += (steps[c + column] as number) * factor;
    sumD += (steps[d + column] as number) * factor;
  }
  sums[0] = sumA;
  sums[1] = sumB;
  sums[2] = sumC;
  sums[3] = sumD;
}

function storedWeights(artifacts: io.ModelArtifacts): Map<string, StoredWeight> {
  const take = takeFrom([artifacts.weightData ?? []].flat());
  const weights = new Map<string, StoredWeight>();
  for (const { name, shape, dtype, quantization } of artifacts.weightSpecs ?? []) {
    const format = quantization?.dtype ?? (dtype as 'float32' | 'int32');
    const length =
      shape.reduce((product, side) => product * side, 1) * ARRAYS[format].BYTES_PER_ELEMENT;
    const bytes = take(length);
    const { scale = 1, min = 0 } = quantization ?? {};
    weights.set(name, { name, shape, dtype, format, bytes, scale, min, factors: ONE });
  }
  return weights;
}

/**
 * Takes bytes from buffers as if they were one. Only what lies in two of them is copied: memory that
 * a new isolate touches for the first time costs as much as what is done with it.
 */
function takeFrom(buffers: readonly ArrayBuffer[]): (length: number) => Uint8Array<ArrayBuffer> {
  let rest = buffers.map((buffer) => new Uint8Array(buffer));
  return (length) => {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (let missing = length; missing > 0; ) {
      const [first, ...others] = rest;
      if (!first) throw new Error('The weights end before the last one of them does.');
      const part = first.subarray(0, missing);
      parts.push(part);
      missing -= part.length;
      rest = part.length < first.length ? [first.subarray(part.length), ...others] : others;
    }
    return concatenate(parts);
  };
}

const ONE = Float32Array.of(1);
const ARRAYS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  float16: Float16Array,
  float32: Float32Array,
  int32: Int32Array,
} as const;

/** A product that is a factor of another one. */
function asFloats(weight: StoredWeight): StoredWeight {
  const bytes = new Uint8Array(floatValues(weight).buffer);
  return { ...weight, format: 'float32', bytes, scale: 1, min: 0, factors: ONE };
}

/** The node of an input: `name:0`, its first output, is the same as `name`. */
export function nodeOf(input: string): string {
  return input.replace(/:0$/, '');
}

/** Millions of numbers, while the first caller waits: plain loops, which are compiled soonest. */
function floatValues(weight: StoredWeight): Float32Array<ArrayBuffer> {
  const { format, scale, min, factors } = weight;
  const steps = stepsOf(weight);
  if (format === 'float32' && scale === 1 && min === 0 && factors === ONE) {
    return new Float32Array(steps);
  }
  const values = new Float32Array(steps.length);
  const channels = factors.length;
  for (let row = 0; row < values.length; row += channels) {
    for (let channel = 0; channel < channels; channel++) {
      const value = (steps[row + channel] as number) * scale + min;
      values[row + channel] = value * (factors[channel] as number);
    }
  }
  return values;
}

function stepsOf({ format, bytes }: StoredWeight) {
  const Numbers = ARRAYS[format];
  const width = Numbers.BYTES_PER_ELEMENT;
  // A number must begin at a multiple of its length.
  const { buffer, byteOffset, length } = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  return new Numbers(buffer, byteOffset, length / width);
}
