import { expect, test } from 'vitest';
import {
  type Case,
  clamps,
  expectClose,
  guarded,
  kernels,
  pack,
  packInt8,
  randomConvolution,
  reference,
  shapeArguments,
} from './kernel-cases.ts';
import { between, one, values } from './random-cases.ts';

test('an expanded depthwise convolution is both by plain loops, and touches nothing else', () => {
  let refused = 0;
  for (let i = 0; i < 200; i++) {
    const random = randomConvolution();
    const filterWidth = one([3, 5]);
    const [width, n] = [between(filterWidth, 17), 8 * between(1, 5)];
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
    const { batch, height, channels: inChannels } = expansion;
    const c: Case = {
      ...random,
      width,
      channels: n,
      filter: [random.filter[0], filterWidth],
      strides: [random.strides[0], between(1, 2)],
      pad: [one([0, 1, 2, 11]), one([0, 1, 2, 11]), random.pad[2], random.pad[3]],
      n,
      bias: values(one([0, n])),
    };
    const shape = shapeArguments(c);
    const x = values(batch * height * width * inChannels);
    const codes = Uint8Array.from({ length: inChannels * n }, () => between(1, 255));
    const scales = Float32Array.of(0.01);
    const wide = Float32Array.from(codes, (code) => (code - 128) * 0.01);
    const isInt8 = one([0, 1]);
    const panels = isInt8
      ? packInt8({ k: inChannels, n, codes, scales })
      : pack(wide, inChannels, n);
    const filter = values(shape.filterHeight * filterWidth * n);
    const work = one([1500, 3000, 6000, 30_000]);
    const out = batch * shape.outHeight * shape.outWidth * n;
    const { bias } = c;
    let isDone = 1;
    const buffers = { x, panels, expansionBias: expansion.bias, filter, bias, work, out };
    const results = guarded.run(buffers, (at) => {
      isDone = kernels.convolveExpanded({
        ...shape,
        ...c.clamp,
        ...at,
        inChannels,
        isInt8,
        expansionBias: expansion.bias.length && at.expansionBias,
        expansionLow: expansion.clamp.low,
        expansionHigh: expansion.clamp.high,
        channels: n,
        bias: bias.length && at.bias,
        workBytes: work * 4,
      });
    });
    const middle = Float32Array.from(reference(expansion, x, wide, false));
    if (isDone) expectClose(results, reference(c, middle, filter, true));
    else refused++;
  }
  expect(refused).toBeLessThan(100);
});
