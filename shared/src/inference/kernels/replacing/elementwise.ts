import * as tf from '@tensorflow/tfjs-core';
import type { CnnKernels } from '../cnn-kernels.ts';
import type { KernelArguments } from '../kernel-arguments.ts';
import { isFloat, type Shape4D } from '../kernel-call.ts';
import type { Computing, Kernel } from './computing.ts';

export function add(on: Computing): Kernel {
  return ({ inputs: { a, b } }) => {
    if (!a || !b || !isFloat(a, b) || !tf.util.arraysEqual(a.shape, b.shape)) return;
    const out = on.makeOutput(a.shape);
    const count = tf.util.sizeFromShape(a.shape);
    on.kernels.add({ a: on.addressOf(a), b: on.addressOf(b), count, out: on.addressOf(out) });
    return out;
  };
}

export function multiplyChannels(on: Computing): Kernel {
  return ({ inputs: { a, b } }) => {
    if (!a || !b || !isFloat(a, b)) return;
    const isSmaller = tf.util.sizeFromShape(a.shape) < tf.util.sizeFromShape(b.shape);
    const [x, factors] = isSmaller ? [b, a] : [a, b];
    const sides = sidesOf(x.shape, factors.shape);
    if (!sides) return;
    const out = on.makeOutput(x.shape);
    on.kernels.multiplyChannels({
      ...sides,
      x: on.addressOf(x),
      factors: on.addressOf(factors),
      out: on.addressOf(out),
    });
    return out;
  };
}

/** Nothing for factors that are not one for each value, or one for each channel of an image. */
function sidesOf(
  x: number[],
  factors: number[],
): Pick<KernelArguments<'multiplyChannels'>, 'batch' | 'pixels' | 'channels'> | undefined {
  if (tf.util.arraysEqual(x, factors))
    return { batch: 1, pixels: 1, channels: tf.util.sizeFromShape(x) };
  if (x.length !== 4) return;
  const [batch, height, width, channels] = x as Shape4D;
  if (!tf.util.arraysEqual(factors, [batch, 1, 1, channels])) return;
  return { batch, pixels: height * width, channels };
}

export function mapEach(on: Computing, kernel: CnnKernels['sigmoid' | 'swish']): Kernel {
  return ({ inputs: { x } }) => {
    if (!x || !isFloat(x)) return;
    const out = on.makeOutput(x.shape);
    const count = tf.util.sizeFromShape(x.shape);
    kernel({ x: on.addressOf(x), count, out: on.addressOf(out) });
    return out;
  };
}

/** As tfjs' other backends do; tfjs-wasm's makes a copy. */
export function identity(on: Computing): Kernel {
  return ({ inputs: { x } }) => {
    if (!x) return;
    on.backend.incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  };
}

export function mean(on: Computing): Kernel {
  return ({ inputs: { x }, attrs }) => {
    const { axis, keepDims } = attrs as unknown as { axis: number | number[]; keepDims: boolean };
    if (x?.shape.length !== 4 || !isFloat(x)) return;
    const [batch, height, width, channels] = x.shape as Shape4D;
    const axes = tf.util.parseAxisParam(axis, x.shape).sort();
    if (axes.join() !== '1,2' || batch * height * width * channels === 0) return;
    const out = on.makeOutput(keepDims ? [batch, 1, 1, channels] : [batch, channels]);
    const pixels = height * width;
    on.kernels.meanOfPixels({
      x: on.addressOf(x),
      batch,
      pixels,
      channels,
      out: on.addressOf(out),
    });
    return out;
  };
}
