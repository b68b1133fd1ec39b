import { unroll } from './unroll.ts';

/** Rows whose smallest and largest values are looked for together, a lane each. */
const ROWS = 4;

const rows = Array.from({ length: ROWS }, (_, row) => row);

export function quantizedRows(): string {
  return `/**
 * Quantizes rows of float32, each between its smallest and its largest value.
 *
 * @param to \`[rows, padded]\`, a byte each, from 0 to 127; \`padded\` is \`k\` up to a multiple of 16
 * @param scales \`[rows, 2]\`, float32: what a step is worth, and what 0 stands for; NaN for a row with
 *   a number that is not finite, of which pmin and pmax tell nothing
 */
export function quantizeRows(a: usize, rows: i32, k: i32, to: usize, scales: usize): void {
  const stride = (<usize>k) << 2;
  const padded = <usize>((k + 15) & ~15);
  for (; rows > 0; rows -= ${ROWS}) {
    const count = min(rows, ${ROWS});
    quantizeFour(a, k, stride, count, to, padded, scales);
    a += stride * ${ROWS};
    to += padded * ${ROWS};
    scales += ${ROWS * 8};
  }
}

function quantizeFour(
  a: usize, k: i32, stride: usize, count: i32, to: usize, padded: usize, scales: usize,
): void {
  const zero = f32x4.splat(0);
  let a0 = a;
${unroll(ROWS - 1, (i) => `  let a${i + 1} = count > ${i + 1} ? a${i} + stride : a${i};`)}
${unroll(ROWS, (row) => [
  `  let lows${row} = v128.load32_splat(a${row});`,
  `  let highs${row} = lows${row};`,
  `  let check${row} = zero;`,
])}
  let x: v128;
  const end = a0 + stride;
  for (const last = a0 + (stride & ~15); a0 < last; ) {
${unroll(ROWS, (row) => look(row, 'load', 16))}
  }
  while (a0 < end) {
${unroll(ROWS, (row) => look(row, 'load32_splat', 4))}
  }
  const lows = ${across('pmin', 'lows')};
  const most = ${across('pmax', 'highs')};
  const highs = f32x4.add(most, ${across('add', 'check')});
  const range = f32x4.sub(highs, lows);
  const steps = f32x4.div(range, f32x4.splat(127));
  const inverse = v128.and(f32x4.div(f32x4.splat(127), range), f32x4.gt(range, zero));
  const left = v128.shuffle<i32>(steps, lows, 0, 4, 1, 5);
  const right = v128.shuffle<i32>(steps, lows, 2, 6, 3, 7);
  v128.store64_lane(scales, left, 0);
  if (count > 1) v128.store64_lane(scales, left, 1, 8);
  if (count > 2) v128.store64_lane(scales, right, 0, 16);
  if (count > 3) v128.store64_lane(scales, right, 1, 24);
${rows
  .map((row) =>
    [
      ...(row > 0 ? [`  if (count < ${row + 1}) return;`] : []),
      `  quantizeRow(a${row} - stride, end - a, to${row > 0 ? ` + padded * ${row}` : ''}, ${splat('lows', row)}, ${splat('inverse', row)});`,
    ].join('\n'),
  )
  .join('\n')}
}

/** One row. @param bytes of \`a\`. @param inverse steps in 1, or 0 for no range */
export function quantizeRow(a: usize, bytes: usize, to: usize, least: v128, inverse: v128): void {
  const half = f32x4.splat(0.5);
  const end = a + bytes;
  for (const last = a + (bytes & ~63); a < last; a += 64) {
${unroll(4, (i) => `    const step${i} = ${steps(`v128.load(a, ${i * 16})`)};`)}
    const left = i16x8.narrow_i32x4_s(step0, step1);
    const right = i16x8.narrow_i32x4_s(step2, step3);
    v128.store(to, i8x16.narrow_i16x8_s(left, right));
    to += 16;
  }
  if (a === end) return;
  v128.store(to, i32x4.splat(0));
  for (; a + 16 <= end; a += 16) {
    const four = ${steps('v128.load(a)')};
    v128.store32_lane(to, i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(four, four), four), 0);
    to += 4;
  }
  for (; a < end; a += 4) {
    const one = ${steps('v128.load32_splat(a)')};
    v128.store8_lane(to++, one, 0);
  }
}`;
}

function look(row: number, load: string, bytes: number): string[] {
  return [
    `    x = v128.${load}(a${row});`,
    `    check${row} = f32x4.relaxed_madd(x, zero, check${row});`,
    `    lows${row} = f32x4.pmin(x, lows${row});`,
    `    highs${row} = f32x4.pmax(x, highs${row});`,
    `    a${row} += ${bytes};`,
  ];
}

/** A lane for each of four vectors: what the operation makes of its lanes. */
function across(operation: string, name: string): string {
  const pair = (a: string, b: string, first: string, second: string): string =>
    `f32x4.${operation}(v128.shuffle<i32>(${a}, ${b}, ${first}), v128.shuffle<i32>(${a}, ${b}, ${second}))`;
  const [left, right] = [0, 2].map((i) =>
    pair(`${name}${i}`, `${name}${i + 1}`, '0, 4, 1, 5', '2, 6, 3, 7'),
  ) as [string, string];
  return pair(left, right, '0, 1, 4, 5', '2, 3, 6, 7');
}

function splat(name: string, lane: number): string {
  return `v128.shuffle<i32>(${name}, ${name}, ${lane}, ${lane}, ${lane}, ${lane})`;
}

function steps(values: string): string {
  return `i32x4.relaxed_trunc_f32x4_s(f32x4.relaxed_madd(f32x4.sub(${values}, least), inverse, half))`;
}
