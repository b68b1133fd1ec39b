import type { io } from '@tensorflow/tfjs-core';

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Record<string, unknown>;
}

/**
 * A graph model in memory; `weightData` has a buffer for each of `weightSpecs`, as float32 or int32.
 */
export interface FoldedArtifacts extends io.ModelArtifacts {
  readonly weightSpecs: io.WeightsManifestEntry[];
  readonly weightData: ArrayBuffer[];
}

/**
 * Replaces each `Mul(kernel, scale)` of two constants by its product.
 *
 * The model directory stores a kernel in whole steps, divided by its channels' scales, since the tfjs
 * format has one scale a tensor. Any tfjs program computes the product, but at each inference
 * (35 → 60 ms for EfficientNet-Lite0); here it is computed once, at loading.
 *
 * @param artifacts a graph model whose scales repeat over the kernel's leading dimensions, its
 *   weights in one piece
 * @returns a graph model with the same outputs, its weights in a piece each
 */
export function foldConstants(artifacts: io.ModelArtifacts): FoldedArtifacts {
  const topology = artifacts.modelTopology as { node: readonly GraphNode[] };
  const weights = sliceWeights(artifacts);
  const nodes: GraphNode[] = [];
  for (const node of topology.node) {
    const [kernel, scale] = (node.input ?? []).map((name) => weights.get(nodeOf(name)));
    if (node.op !== 'Mul' || !kernel || !scale) {
      nodes.push(node);
      continue;
    }
    const product = multiply(kernel, floatValues(scale));
    nodes.push({ name: node.name, op: 'Const', attr: node.attr ?? {} });
    weights.set(node.name, {
      spec: { name: node.name, shape: kernel.spec.shape, dtype: 'float32' },
      bytes: new Uint8Array(product.buffer),
    });
  }
  return withWeights(artifacts, nodes, weights);
}

interface StoredTensor {
  readonly spec: io.WeightsManifestEntry;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function sliceWeights(artifacts: io.ModelArtifacts): Map<string, StoredTensor> {
  const data = artifacts.weightData as ArrayBuffer;
  const weights = new Map<string, StoredTensor>();
  let at = 0;
  for (const spec of artifacts.weightSpecs ?? []) {
    const length = elements(spec) * bytesPerElement(spec);
    weights.set(spec.name, { spec, bytes: new Uint8Array(data, at, length) });
    at += length;
  }
  return weights;
}

function dequantize(tensor: StoredTensor): StoredTensor {
  const { quantization, ...spec } = tensor.spec;
  return quantization ? { spec, bytes: new Uint8Array(floatValues(tensor).buffer) } : tensor;
}

/** Drops the constants that nothing reads any more. */
function withWeights(
  artifacts: io.ModelArtifacts,
  nodes: readonly GraphNode[],
  weights: ReadonlyMap<string, StoredTensor>,
): FoldedArtifacts {
  const read = new Set(nodes.flatMap((node) => node.input ?? []).map(nodeOf));
  const kept = [...weights.values()].filter(({ spec }) => read.has(spec.name)).map(dequantize);
  return {
    ...artifacts,
    modelTopology: {
      ...artifacts.modelTopology,
      node: nodes.filter((node) => node.op !== 'Const' || read.has(node.name)),
    },
    weightSpecs: kept.map(({ spec }) => spec),
    // In pieces: put together, they would be copied once more, tens of megabytes.
    weightData: kept.map(({ bytes }) =>
      bytes.length === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer,
    ),
  };
}

/** `name:0`, a node's first output, is the same as `name`. */
function nodeOf(input: string): string {
  return input.replace(/:0$/, '');
}

/** Millions of numbers, while the first caller waits: plain loops, which are compiled soonest. */
function multiply({ spec, bytes }: StoredTensor, factors: Float32Array): Float32Array<ArrayBuffer> {
  const { scale = 1, min = 0 } = spec.quantization ?? {};
  const values = storedValues(spec, bytes);
  const product = new Float32Array(values.length);
  const channels = factors.length;
  for (let row = 0; row < product.length; row += channels) {
    for (let channel = 0; channel < channels; channel++) {
      const value = (values[row + channel] as number) * scale + min;
      product[row + channel] = value * (factors[channel] as number);
    }
  }
  return product;
}

function storedValues(
  { quantization }: io.WeightsManifestEntry,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array | Uint16Array | Float16Array | Float32Array {
  const format = quantization?.dtype ?? 'float32';
  if (format === 'uint8') return bytes;
  // A copy, since a number must begin at a multiple of its length.
  return new ARRAYS[format](bytes.slice().buffer);
}

const ARRAYS = { uint16: Uint16Array, float16: Float16Array, float32: Float32Array } as const;

function floatValues(tensor: StoredTensor): Float32Array<ArrayBuffer> {
  return multiply(tensor, Float32Array.of(1));
}

function elements(spec: io.WeightsManifestEntry): number {
  return spec.shape.reduce((product, length) => product * length, 1);
}

function bytesPerElement({ quantization }: io.WeightsManifestEntry): number {
  return quantization ? BYTES[quantization.dtype] : 4;
}

const BYTES = { uint8: 1, uint16: 2, float16: 2 } as const;
