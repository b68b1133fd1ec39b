import { unroll } from './unroll.ts';

/** Rows that lie together in a panel of 8-bit weights: a lane holds four of a column. */
const ROWS = 4;

/**
 * What reads the panels of `packInt8Panels` without the instruction for dot products: as float32, as pairs of
 * bfloat16, and for one row of a product. It is unrolled for the reasons that matrix-tiles.ts gives.
 */
export function int8Rows(): string {
  return `import { HEAD } from '../int8-panels';
import { PANEL } from '../panels';

/**
 * Rows of a panel as float32.
 *
 * @param panel of \`packInt8Panels\`
 * @param begin the first row, a multiple of four
 * @param to rows of eight values, \`toStride\` bytes apart, up to a multiple of four
 */
export function widenPanel(panel: usize, begin: i32, rows: i32, to: usize, toStride: usize): void {
  const scale0 = v128.load(panel);
  const scale1 = v128.load(panel, 16);
${eachFour((row) => [
  `v128.store(to, f32x4.mul(${weights('left', row)}, scale0));`,
  `v128.store(to, f32x4.mul(${weights('right', row)}, scale1), 16);`,
])}
}

/**
 * Rows of a panel as bfloat16, the left four columns in the lower halves of four lanes, and the right four
 * in the upper ones; the columns' scales are left out.
 *
 * @param panel of \`packInt8Panels\`
 * @param begin the first row, a multiple of four
 * @param to rows of 16 bytes, \`toStride\` bytes apart, up to a multiple of four
 */
export function pairPanel(panel: usize, begin: i32, rows: i32, to: usize, toStride: usize): void {
${eachFour((row) => [
  `${row === 0 ? 'let ' : ''}lower = i32x4.shr_u(${weights('left', row)}, 16);`,
  `v128.store(to, v128.or(lower, ${weights('right', row)}));`,
])}
}

/**
 * A row of \`min(max(a · b + bias, low), high)\` for a panel's columns, in float32.
 *
 * @param a \`[k]\`
 * @param panel of \`packInt8Panels\`
 * @param out \`[8]\`
 */
export function multiplyRow(
  a: usize, k: i32, panel: usize, bias0: v128, bias1: v128, low: v128, high: v128, out: usize,
): void {
${unroll(ROWS, (row) => [
  `  let sum${row}0 = f32x4.splat(0);`,
  `  let sum${row}1 = f32x4.splat(0);`,
])}
  let from = panel + HEAD;
  const end = a + ((<usize>k) << 2);
  for (const last = a + ((<usize>k & ~3) << 2); a < last; a += 16) {
    const left = v128.load(from);
    const right = v128.load(from, 16);
${unroll(ROWS, (row) => [
  `    ${row === 0 ? 'let ' : ''}x = v128.load32_splat(a, ${row * 4});`,
  `    sum${row}0 = f32x4.relaxed_madd(x, ${weights('left', row)}, sum${row}0);`,
  `    sum${row}1 = f32x4.relaxed_madd(x, ${weights('right', row)}, sum${row}1);`,
])}
    from += 32;
  }
  for (let shift = 24; a < end; a += 4, shift -= 8) {
    const x = v128.load32_splat(a);
    const left = i32x4.shr_s(i32x4.shl(v128.load(from), shift), 24);
    const right = i32x4.shr_s(i32x4.shl(v128.load(from, 16), shift), 24);
    sum00 = f32x4.relaxed_madd(x, f32x4.convert_i32x4_s(left), sum00);
    sum01 = f32x4.relaxed_madd(x, f32x4.convert_i32x4_s(right), sum01);
  }
  sum00 = f32x4.add(f32x4.add(sum00, sum10), f32x4.add(sum20, sum30));
  sum01 = f32x4.add(f32x4.add(sum01, sum11), f32x4.add(sum21, sum31));
  sum00 = f32x4.relaxed_madd(sum00, v128.load(panel), bias0);
  sum01 = f32x4.relaxed_madd(sum01, v128.load(panel, 16), bias1);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum00, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum01, low), high), 16);
}`;
}

/** A loop over a panel's rows, four at a time. */
function eachFour(store: (row: number) => readonly string[]): string {
  return `  let from = panel + HEAD + <usize>begin * PANEL;
  for (const end = from + <usize>rows * PANEL; from < end; ) {
    const left = v128.load(from);
    const right = v128.load(from, 16);
${unroll(ROWS, (row) => [...store(row), 'to += toStride;'].map((line) => `    ${line}`))}
    from += 32;
  }`;
}

/** A row's weights as float32. */
function weights(half: 'left' | 'right', row: number): string {
  const shift = 24 - 8 * row;
  const first = shift === 0 ? half : `i32x4.shl(${half}, ${shift})`;
  return `f32x4.convert_i32x4_s(i32x4.shr_s(${first}, 24))`;
}
