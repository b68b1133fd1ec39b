import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import type { ExpandedDepthwiseAttributes } from 'shared/inference/kernels/composed-kernels';
import { median } from './median.ts';
import { type Kernels, useKernels } from './swap-kernels.ts';

/** Layers of one kind and one shape. */
export interface LayerTime {
  /** As in `1×1 [56,56,24]→144`. */
  readonly name: string;
  readonly count: number;
  readonly gigaflop: number;
  /** Time of all of them together. */
  readonly ms: number;
}

type Call = Parameters<KernelFunc>[0];

const withWeights: ReadonlySet<string> = new Set([
  'ExpandedDepthwise',
  'FusedConv2D',
  'FusedDepthwiseConv2D',
  'InvertedResidual',
  '_FusedMatMul',
]);

/**
 * Times each call of the given kernels while a network runs.
 *
 * @param rounds of which the median counts
 */
export function profileLayers(kernels: Kernels, run: () => void, rounds: number): LayerTime[] {
  const layers = new Map<string, { calls: number; gigaflop: number; ms: number[] }>();
  let round = 0;
  let isInside = false;
  const timed = [...kernels].map(([name, kernel]) => {
    if (!withWeights.has(name)) return [name, kernel] as const;
    const kernelFunc: typeof kernel.kernelFunc = (call) => {
      // A composed kernel calls other kernels.
      if (isInside) return kernel.kernelFunc(call);
      isInside = true;
      const start = performance.now();
      const output = kernel.kernelFunc(call);
      const ms = performance.now() - start;
      isInside = false;
      const { layer, gigaflop } = describe(name, call, output as TensorInfo);
      const one = layers.get(layer) ?? { calls: 0, gigaflop: 0, ms: [] };
      layers.set(layer, one);
      one.calls += 1;
      one.gigaflop += gigaflop;
      one.ms[round] = (one.ms[round] ?? 0) + ms;
      return output;
    };
    return [name, { ...kernel, kernelFunc }] as const;
  });
  useKernels(new Map(timed));
  for (round = 0; round < rounds; round++) run();
  useKernels(kernels);
  return [...layers].map(([name, { calls, gigaflop, ms }]) => ({
    name,
    count: calls / rounds,
    gigaflop: gigaflop / rounds,
    ms: median(ms),
  }));
}

/** Operations, of which a multiplication and an addition are two. */
function describe(
  kernel: string,
  { inputs, attrs }: Call,
  output: TensorInfo,
): { layer: string; gigaflop: number } {
  const { x, a, filter, b, depthwiseFilter, projectionFilter } = inputs;
  const input = x ?? a;
  const weights = filter ?? b;
  if (!input || !weights) throw new Error(`${kernel} has no input or no weights.`);
  const outputs = sizeOf(output.shape);
  if (kernel === '_FusedMatMul') {
    const [inner = 1, outer = 1] = weights.shape.slice(-2);
    return { layer: `dense ${inner}→${outer}`, gigaflop: (2 * outputs * inner) / 1e9 };
  }
  const from = input.shape.slice(1).join(',');
  const to = output.shape.slice(1).join(',');
  const [height = 1, width = 1, channels = 1, wide = 1] = weights.shape;
  if (depthwiseFilter) {
    const [tall = 1, broad = 1] = depthwiseFilter.shape;
    const { strides } = (attrs as unknown as ExpandedDepthwiseAttributes).expansion;
    const [down = 1, right = 1] = [strides as number | number[]].flat();
    const places = sizeOf(input.shape.slice(0, -1)) / (down * right);
    const pixels = sizeOf(output.shape.slice(0, -1));
    const narrow = projectionFilter?.shape.at(-1) ?? 0;
    const deep = height * width * channels;
    const products = places * deep * wide + pixels * wide * (tall * broad + narrow);
    const last = projectionFilter ? ' 1×1' : '';
    const layer = `${height}×${width} ${tall}×${broad} depthwise${last} [${from}]→${wide}→[${to}]`;
    return { layer, gigaflop: (2 * products) / 1e9 };
  }
  const isDepthwise = kernel === 'FusedDepthwiseConv2D';
  const perOutput = height * width * (isDepthwise ? 1 : channels);
  return {
    layer: `${height}×${width}${isDepthwise ? ' depthwise' : ''} [${from}]→[${to}]`,
    gigaflop: (2 * outputs * perOutput) / 1e9,
  };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
