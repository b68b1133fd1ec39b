import { unroll } from './unroll.ts';

/** Of a tile, and of the one for a row that is left over. */
const ROWS = 6;
/** Steps in a turn of the loop; each takes four values of the inner dimension, one a byte of a lane. */
const STEPS = 4;
/** Of the tile, with and without a dot product. */
const ONE_PARAMETERS = `
  hasDot: bool, a: usize, aStride: usize, panel: usize, rows: usize, bias0: v128, bias1: v128,
  low: v128, high: v128, out: usize,
`;
const PARAMETERS = `${ONE_PARAMETERS.trimEnd()} outStride: usize,
`;

/**
 * A tile of a product of 8-bit integers, in registers from the first product to the last. It is unrolled
 * for the reasons that matrix-tiles.ts gives; AssemblyScript inlines what both of its versions share.
 */
export function int8Tile(): string {
  return `/**
 * Six rows and eight columns of the product; sixteen steps of the inner dimension a turn, four of
 * them in each lane.
 *
 * @param hasDot what \`hasDotProduct\` says
 * @param a integers from 0 to 127, the rows \`aStride\` bytes apart, a multiple of 16
 * @param panel of \`packInt8Panels\`
 * @param rows of \`quantizeRows\`
 * @param bias0 of the left four columns, \`bias1\` of the right ones
 */
export function int8Tile6(${PARAMETERS}): void {
  if (hasDot) tile6(true, a, aStride, panel, rows, bias0, bias1, low, high, out, outStride);
  else tile6(false, a, aStride, panel, rows, bias0, bias1, low, high, out, outStride);
}

/** Without a dot product V8 takes five instructions for the same, of which two make the ones, each time. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function addProducts(hasDot: bool, a: v128, b: v128, ones: v128, sum: v128): v128 {
  return hasDot
    ? i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, sum)
    : i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(a, b), ones));
}

/** The same for one row. */
export function int8Tile1(${ONE_PARAMETERS}): void {
  if (hasDot) tile1(true, a, aStride, panel, rows, bias0, bias1, low, high, out);
  else tile1(false, a, aStride, panel, rows, bias0, bias1, low, high, out);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function tile1(${ONE_PARAMETERS}): void {
  const ones = i16x8.splat(1);
${unroll(STEPS, (step) => [
  `  let sum${step}0 = i32x4.splat(0);`,
  `  let sum${step}1 = i32x4.splat(0);`,
])}
  let b = panel + 64;
  for (const end = a + aStride; a < end; a += ${STEPS * 4}) {
    let x: v128;
${unroll(STEPS, (step) => [
  `    x = v128.load32_splat(a, ${step * 4});`,
  `    sum${step}0 = addProducts(hasDot, v128.load(b, ${step * 32}), x, ones, sum${step}0);`,
  `    sum${step}1 = addProducts(hasDot, v128.load(b, ${step * 32 + 16}), x, ones, sum${step}1);`,
])}
    b += ${STEPS * 32};
  }
  const left = i32x4.add(i32x4.add(sum00, sum10), i32x4.add(sum20, sum30));
  const right = i32x4.add(i32x4.add(sum01, sum11), i32x4.add(sum21, sum31));
  storeRow(
    out, rows, left, right, v128.load(panel), v128.load(panel, 16), v128.load(panel, 32), v128.load(panel, 48),
    bias0, bias1, low, high,
  );
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function tile6(${PARAMETERS}): void {
  const ones = i16x8.splat(1);
  let a0 = a;
${unroll(ROWS - 1, (row) => `  let a${row + 1} = a${row} + aStride;`)}
${unroll(ROWS, (row) => [
  `  let sum${row}0 = i32x4.splat(0);`,
  `  let sum${row}1 = i32x4.splat(0);`,
])}
  const scale0 = v128.load(panel);
  const scale1 = v128.load(panel, 16);
  const columnSum0 = v128.load(panel, 32);
  const columnSum1 = v128.load(panel, 48);
  let b = panel + 64;
  for (const end = a0 + aStride; a0 < end; ) {
${unroll(STEPS, addSixProducts)}
${unroll(ROWS, (row) => `    a${row} += ${STEPS * 4};`)}
    b += ${STEPS * 32};
  }
  let to = out;
${unroll(ROWS, (row) => [
  ...(row > 0 ? ['  to += outStride;'] : []),
  `  storeRow(to, rows + ${row * 8}, sum${row}0, sum${row}1, scale0, scale1, columnSum0, columnSum1, bias0, bias1, low, high);`,
])}
}

/** @param row of \`quantizeRows\`: what a step is worth, and what 0 stands for */
// @ts-ignore: a decorator of AssemblyScript
@inline
function storeRow(
  to: usize, row: usize, sum0: v128, sum1: v128, scale0: v128, scale1: v128,
  columnSum0: v128, columnSum1: v128, bias0: v128, bias1: v128, low: v128, high: v128,
): void {
  const step = v128.load32_splat(row);
  const least = v128.load32_splat(row, 4);
  const base0 = f32x4.relaxed_madd(least, columnSum0, bias0);
  const base1 = f32x4.relaxed_madd(least, columnSum1, bias1);
  const value0 = f32x4.relaxed_madd(f32x4.mul(f32x4.convert_i32x4_s(sum0), step), scale0, base0);
  const value1 = f32x4.relaxed_madd(f32x4.mul(f32x4.convert_i32x4_s(sum1), step), scale1, base1);
  v128.store(to, f32x4.pmin(f32x4.pmax(value0, low), high));
  v128.store(to, f32x4.pmin(f32x4.pmax(value1, low), high), 16);
}`;
}

/** A step of six rows. */
export function addSixProducts(step: number): string {
  const declare = step === 0 ? 'let ' : '';
  return `    ${declare}b0 = v128.load(b, ${step * 32});
    ${declare}b1 = v128.load(b, ${step * 32 + 16});
${unroll(ROWS, (row) => [
  `    ${row === 0 ? declare : ''}x = v128.load32_splat(a${row}, ${step * 4});`,
  `    sum${row}0 = addProducts(hasDot, b0, x, ones, sum${row}0);`,
  `    sum${row}1 = addProducts(hasDot, b1, x, ones, sum${row}1);`,
])}`;
}
