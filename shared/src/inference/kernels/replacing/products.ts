import * as tf from '@tensorflow/tfjs-core';
import type { Clamp } from '../cnn-kernels.ts';
import { clampOf, isBias, isFloat } from '../kernel-call.ts';
import type { Computing, Kernel } from './computing.ts';

interface Product {
  /** `[m, k]` */
  readonly a: tf.TensorInfo;
  /** `[k, n]` */
  readonly b: tf.TensorInfo;
  readonly bias: tf.TensorInfo | undefined;
  readonly clamp: Clamp;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly outShape: number[];
}

export function multiply(
  on: Computing,
  { a, b, bias, clamp, m, k, n, outShape }: Product,
): tf.TensorInfo {
  const { at: panels, product } = on.matrices.pack(b, k, n);
  const out = on.makeOutput(outShape);
  on.kernels[product]({
    a: on.addressOf(a),
    m,
    k,
    panels,
    n,
    bias: on.addressOf(bias),
    ...clamp,
    out: on.addressOf(out),
    work: on.scratch,
  });
  return out;
}

export function multiplyMatrices(on: Computing): Kernel {
  return (call) => {
    const { a, b, bias } = call.inputs;
    const clamp = clampOf(call);
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    if (!a || !b || !clamp || transposeA || transposeB || !isFloat(a, b)) return;
    const [k, n] = b.shape.slice(-2) as [number, number];
    if (tf.util.sizeFromShape(b.shape) !== k * n || !isBias(bias, n) || k === 0) return;
    const m = tf.util.sizeFromShape(a.shape) / k;
    if (m * n === 0 || a.shape.length < b.shape.length) return;
    const outShape = [...a.shape.slice(0, -1), n];
    return multiply(on, { a, b, bias, clamp, m, k, n, outShape });
  };
}
