import { expect, test } from 'vitest';
import {
  between,
  type Case,
  clamps,
  expectClose,
  guarded,
  kernels,
  one,
  outSize,
  packInt8,
  randomConvolution,
  reference,
  values,
} from './kernel-cases.ts';

test('an expanded depthwise convolution is both by plain loops, and touches nothing else', () => {
  let refused = 0;
  for (let i = 0; i < 200; i++) {
    const random = randomConvolution();
    const filter = [random.filter[0], one([3, 5])] as const;
    const [width, n] = [between(filter[1], 17), 8 * between(1, 5)];
    const expansion: Case = {
      ...random,
      width,
      filter: [1, 1],
      strides: [1, 1],
      pad: [0, 0, 0, 0],
      n,
      bias: values(one([0, n])),
      clamp: one(clamps),
    };
    const { batch, height, channels } = expansion;
    const c: Case = {
      ...random,
      width,
      channels: n,
      filter,
      strides: [random.strides[0], between(1, 2)],
      pad: [one([0, 1, 2, 11]), one([0, 1, 2, 11]), random.pad[2], random.pad[3]],
      n,
      bias: values(one([0, n])),
    };
    const [outHeight, outWidth] = outSize(c);
    const x = values(batch * height * width * channels);
    const codes = Uint8Array.from({ length: channels * n }, () => between(1, 255));
    const scales = Float32Array.of(0.01);
    const wide = Float32Array.from(codes, (code) => (code - 128) * 0.01);
    const isInt8 = one([true, false]);
    const packed = isInt8
      ? packInt8({ k: channels, n, codes, scales })
      : (guarded.run({ wide, out: n * channels }, (at) =>
          kernels.packPanels(at.wide, channels, n, at.out),
        )[0] as Float32Array);
    const weights = values(filter[0] * filter[1] * n);
    const work = one([1500, 3000, 6000, 30_000]);
    let isDone = true;
    const buffers = { x, packed, wideBias: expansion.bias, weights, bias: c.bias, work };
    const out = batch * outHeight * outWidth * n;
    const results = guarded.run({ ...buffers, out }, (at) => {
      isDone = kernels.convolveExpanded(
        at.x,
        batch,
        height,
        width,
        channels,
        at.packed,
        isInt8,
        expansion.bias.length && at.wideBias,
        ...expansion.clamp,
        n,
        at.weights,
        ...filter,
        ...c.strides,
        c.pad[0],
        c.pad[2],
        outHeight,
        outWidth,
        c.bias.length && at.bias,
        ...c.clamp,
        at.out,
        at.work,
        work * 4,
      );
    });
    const middle = Float32Array.from(reference(expansion, x, wide, false));
    if (isDone) expectClose(results, reference(c, middle, weights, true));
    else refused++;
  }
  expect(refused).toBeLessThan(100);
});
