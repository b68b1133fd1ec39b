import { expect, test } from 'vitest';
import {
  clamps,
  guarded,
  kernels,
  packInt8,
  randomConvolution,
  shapeArguments,
} from './kernel-cases.ts';
import { between, one } from './random-cases.ts';
import { codeFilters } from './replacing/code-filters.ts';

/** All of its numbers are parts of a power of two, so that no order of its sums rounds anything. */
interface CodeCase extends ReturnType<typeof shapeArguments> {
  readonly depth: number;
  readonly parts: number;
  readonly channels: number;
  /** `[batch, height, width, parts, depth]`, from 0 to 127. */
  readonly rows: Uint8Array;
  /** `[batch, height, width, 2]`: what a step is worth, and what 0 stands for. */
  readonly scales: Float32Array;
  /** `[depth, channels]`, of which 128 stands for 0. */
  readonly codes: Uint8Array<ArrayBuffer>;
  readonly weightScales: Float32Array;
  readonly expansionBias: Float32Array;
  /** `[filterHeight, filterWidth, channels]`, whole numbers. */
  readonly taps: Int8Array;
  readonly bias: Float32Array;
}

const [EXPANSION_HIGH, HIGH, TAP_SCALE] = [127 / 16, 127 / 32, 1 / 128];

function randomCase(): CodeCase {
  const random = randomConvolution();
  const { width: filterWidth, step, padLeft } = one(codeFilters);
  const shape = shapeArguments({
    ...random,
    height: between(random.filter[0], 13),
    width: between(filterWidth, 19),
    filter: [random.filter[0], filterWidth],
    strides: [random.strides[0], step],
    pad: [random.pad[0], random.pad[1], padLeft, random.pad[3]],
  });
  const isFirstZero = one([true, false]);
  const [depth, parts, channels] = [between(1, 40), between(1, 3), 16 * between(1, 3)];
  const pixels = shape.batch * shape.height * shape.width;
  const taps = shape.filterHeight * filterWidth;
  const multiples = (length: number, most: number, part: number) =>
    Float32Array.from({ length }, () => between(-most, most) * part);
  return {
    ...shape,
    depth,
    parts,
    channels,
    rows: Uint8Array.from({ length: pixels * parts * depth }, () => between(0, 127)),
    scales: Float32Array.from({ length: pixels * 2 }, (_, i) =>
      i % 2 === 0 ? 2 ** -between(6, 8) : between(-20, 20) / 16,
    ),
    codes: Uint8Array.from({ length: depth * channels }, () => between(1, 255)),
    weightScales: Float32Array.from({ length: channels }, () => 2 ** -between(6, 9)),
    expansionBias: multiples(channels, 60, 1 / 16),
    // A channel has its largest one, or nothing but zeros.
    taps: Int8Array.from({ length: taps * channels }, (_, i) => {
      if (isFirstZero && i % channels === 0) return 0;
      return i < channels ? one([-127, 127]) : between(-127, 127);
    }),
    bias: multiples(channels, 30, 1 / 32),
  };
}

function toCode(value: number, high: number): number {
  return Math.min(Math.max(Math.floor(value * (127 / high) + 0.5), 0), 127);
}

/** One output at a time. */
function reference(c: CodeCase): number[] {
  const wide = (pixel: number, channel: number): number => {
    let [sum, columnSum] = [0, 0];
    for (let i = 0; i < c.depth; i++) {
      const weight = (c.codes[i * c.channels + channel] as number) - 128;
      for (let part = 0; part < c.parts; part++)
        sum += (c.rows[(pixel * c.parts + part) * c.depth + i] as number) * weight;
      columnSum += weight;
    }
    const [step = 0, least = 0] = c.scales.subarray(pixel * 2);
    const scale = c.weightScales[channel] as number;
    const value = (step * sum + least * columnSum) * scale + (c.expansionBias[channel] as number);
    return toCode(value, EXPANSION_HIGH);
  };
  const pixels = c.batch * c.height * c.width;
  const middle = Array.from({ length: pixels * c.channels }, (_, i) =>
    wide(Math.floor(i / c.channels), i % c.channels),
  );
  return Array.from({ length: c.batch * c.outHeight * c.outWidth * c.channels }, (_, place) => {
    const channel = place % c.channels;
    const pixel = Math.floor(place / c.channels);
    const [outX, line] = [pixel % c.outWidth, Math.floor(pixel / c.outWidth)];
    const [outY, image] = [line % c.outHeight, Math.floor(line / c.outHeight)];
    let sum = 0;
    for (let tapY = 0; tapY < c.filterHeight; tapY++) {
      for (let tapX = 0; tapX < c.filterWidth; tapX++) {
        const y = outY * c.strideY - c.padTop + tapY;
        const x = outX * c.strideX - c.padLeft + tapX;
        if (y < 0 || y >= c.height || x < 0 || x >= c.width) continue;
        const from = (image * c.height + y) * c.width + x;
        const tap = c.taps[(tapY * c.filterWidth + tapX) * c.channels + channel] as number;
        sum += (middle[from * c.channels + channel] as number) * tap;
      }
    }
    const value = sum * (EXPANSION_HIGH / 127) * TAP_SCALE + (c.bias[channel] as number);
    return toCode(value, HIGH);
  });
}

test('an expansion and its depthwise convolution in 8 bits are those of plain loops, and touch nothing else', () => {
  let refused = 0;
  const seen = new Set<number>();
  for (let i = 0; i < 80; i++) {
    const c = randomCase();
    const { depth, parts, channels, filterHeight, filterWidth } = c;
    const pixels = c.batch * c.height * c.width;
    const padded = Math.ceil(depth / 16) * 16;
    const rows = new Uint8Array((pixels + 5) * parts * padded);
    for (let row = 0; row < pixels * parts; row++)
      rows.set(c.rows.subarray(row * depth, (row + 1) * depth), row * padded);
    const panels = packInt8({ k: depth, n: channels, codes: c.codes, scales: c.weightScales });
    const filter = Float32Array.from(c.taps, (tap) => tap * TAP_SCALE);
    const size = { filterHeight, filterWidth, channels };
    const [taps] = guarded.run({ filter, out: kernels.tapBytes(size) / 4 }, (at) =>
      kernels.packTaps({ ...size, filter: at.filter, to: at.out }),
    ) as [Float32Array];
    const outPixels = c.batch * c.outHeight * c.outWidth;
    const work = one([1200, 3000, 12_000]);
    const buffers = {
      rows: new Float32Array(rows.buffer),
      scales: Float32Array.from({ length: (pixels + 5) * 2 }, (_, at) => c.scales[at] ?? 0),
      panels,
      expansionBias: c.expansionBias,
      taps,
      bias: c.bias,
      work,
      out: (outPixels * channels) / 4,
    };
    let isDone = 1;
    const { rows: _rows, scales: _scales, codes, weightScales, taps: _taps, ...shape } = c;
    const results = guarded.run(buffers, (at) => {
      isDone = kernels.convolveCodes({
        ...shape,
        ...at,
        expansionHigh: EXPANSION_HIGH,
        high: HIGH,
        workBytes: work * 4,
      });
    });
    if (!isDone) {
      refused++;
      continue;
    }
    const expected = reference(c);
    for (const code of expected) seen.add(code);
    for (const result of results)
      expect([...new Uint8Array(result.buffer, 0, expected.length)]).toEqual(expected);
  }
  expect(refused).toBeLessThan(30);
  // All codes there are, so that clamping and all between it was seen.
  expect(seen.size).toBe(128);
});

test('a filter that has no lines is refused', () => {
  const zeros = { rows: 0, scales: 0, panels: 0, expansionBias: 0, taps: 0, bias: 0, out: 0 };
  const shape = {
    batch: 1,
    height: 4,
    width: 4,
    depth: 8,
    parts: 1,
    channels: 16,
    outHeight: 2,
    outWidth: 2,
  };
  const filter = { filterHeight: 3, filterWidth: 3, strideY: 2, strideX: 2, padTop: 1, padLeft: 1 };
  const range = { expansionHigh: 6, high: 6 };
  const values = { ...zeros, ...shape, ...filter, ...range, work: 1024, workBytes: 100_000 };
  expect(kernels.convolveCodes(values)).toBe(0);
});

test('a product of codes is that of plain loops, and touches nothing else', () => {
  for (let i = 0; i < 40; i++) {
    const [m, k, n] = [between(1, 40), 16 * between(1, 5), between(1, 30)];
    const a = Uint8Array.from({ length: (m + 5) * k }, () => between(0, 127));
    const codes = Uint8Array.from({ length: k * n }, () => between(1, 255));
    const scales = Float32Array.from({ length: n }, () => 2 ** -between(6, 9));
    const bias = Float32Array.from({ length: one([0, n]) }, () => between(-60, 60) / 16);
    const clamp = one(clamps);
    const buffers = {
      a: new Float32Array(a.buffer),
      panels: packInt8({ k, n, codes, scales }),
      bias,
      work: 8 * 1024,
      out: m * n,
    };
    const results = guarded.run(buffers, (at) =>
      kernels.multiplyCodes({
        ...at,
        m,
        k,
        n,
        bias: bias.length && at.bias,
        ...clamp,
        step: 1 / 64,
      }),
    );
    const expected = Array.from({ length: m * n }, (_, place) => {
      const [row, column] = [Math.floor(place / n), place % n];
      let sum = 0;
      for (let at = 0; at < k; at++)
        sum += (a[row * k + at] as number) * ((codes[at * n + column] as number) - 128);
      const value = (sum / 64) * (scales[column] as number) + (bias[column] ?? 0);
      return Math.min(Math.max(value, clamp.low), clamp.high);
    });
    for (const result of results) expect([...result]).toEqual(expected);
  }
});
