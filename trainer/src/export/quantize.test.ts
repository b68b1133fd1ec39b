import { expect, test } from 'vitest';
import { createRandom } from '../config/random.ts';
import { type QuantizedKernel, quantizePerChannel, STEP } from './quantize.ts';

/** Dequantizes as tfjs does: the affine form, then the product of two constants. */
function dequantize({ steps, scales: { values } }: QuantizedKernel): number[] {
  const { scale, min } = steps instanceof Uint8Array ? STEP.uint8 : STEP.uint16;
  return Array.from(
    steps,
    (step, i) => (step * scale + min) * (values[i % values.length] as number),
  );
}

function randomKernel(shape: number[]): { shape: number[]; values: Float32Array } {
  const random = createRandom(1);
  const length = shape.reduce((product, side) => product * side, 1);
  // Channels of very different ranges, where one scale per tensor would fail.
  const channels = shape.at(-1) === 1 ? (shape.at(-2) as number) : (shape.at(-1) as number);
  const values = Float32Array.from(
    { length },
    (_, i) => (random.float() - 0.5) * 10 ** ((i % channels) - 2),
  );
  return { shape, values };
}

test.each([
  ['a convolution', [3, 3, 2, 5], 1, [5], 'uint8', 127],
  ['a convolution', [3, 3, 2, 5], 1, [5], 'uint16', 32_767],
  ['a dense layer', [7, 4], 1, [4], 'uint8', 127],
  ['a depthwise convolution', [3, 3, 5, 1], 2, [5, 1], 'uint8', 127],
] as const)(
  'rounds to at most half a step in each channel of %s',
  (_, shape, dimensions, scaleShape, format, largest) => {
    const kernel = randomKernel([...shape]);
    const quantized = quantizePerChannel(kernel, dimensions, format);
    expect(quantized.shape).toEqual(shape);
    expect(quantized.scales.shape).toEqual(scaleShape);
    const { values: scales } = quantized.scales;
    dequantize(quantized).forEach((value, i) => {
      const halfStep = (scales[i % scales.length] as number) / largest / 2;
      expect(Math.abs(value - (kernel.values[i] as number))).toBeLessThanOrEqual(halfStep * 1.001);
    });
  },
);

test("takes a channel's largest absolute value as its scale, and reaches it on both sides", () => {
  const values = Float32Array.of(0.5, -8, -0.2, 4.1, 0.125, 8);
  const quantized = quantizePerChannel({ shape: [3, 2], values }, 1, 'uint8');
  expect([...quantized.scales.values]).toEqual([0.5, 8]);
  expect([...quantized.steps]).toEqual([255, 1, 77, 193, 160, 255]);
});

test('keeps 0 exactly 0', () => {
  const values = Float32Array.of(0, 3, -0, -1);
  const { steps } = quantizePerChannel({ shape: [4, 1], values }, 1, 'uint8');
  expect([steps[0], steps[2]]).toEqual([128, 128]);
  expect(128 * STEP.uint8.scale + STEP.uint8.min).toBe(0);
  expect(32_768 * STEP.uint16.scale + STEP.uint16.min).toBe(0);
});

test('keeps a channel of zeros, whose scale is 0', () => {
  const values = Float32Array.of(0, 1, 0, -1);
  const quantized = quantizePerChannel({ shape: [2, 2], values }, 1, 'uint8');
  expect([...quantized.scales.values]).toEqual([0, 1]);
  expect(dequantize(quantized)).toEqual([0, expect.closeTo(1), 0, expect.closeTo(-1)]);
});

test('keeps a channel of values too small to divide by', () => {
  const values = Float32Array.of(1e-45, -1e-45);
  const quantized = quantizePerChannel({ shape: [2, 1], values }, 1, 'uint8');
  expect([...quantized.steps]).toEqual([255, 1]);
});
