import { addSixProducts } from './int8-tile.ts';
import { unroll } from './unroll.ts';

const ROWS = 6;
/** Steps in a turn of the loop; each takes four values of the inner dimension, one a byte of a lane. */
const STEPS = 4;
const PARAMETERS = `
  hasDot: bool, a: usize, aStride: usize, depth: usize, parts: i32, panel: usize, rows: usize, head: usize, to: usize,
`;

/** A tile of an expansion, which becomes codes: see convolve-codes.ts. It is unrolled for the reasons that matrix-tiles.ts gives. */
export function codeTile(): string {
  return `import { HEAD } from '../int8-panels';
import { addProducts } from './int8-tile';

/**
 * Six pixels of eight channels, as codes.
 *
 * @param hasDot what \`hasDotProduct\` says
 * @param a integers from 0 to 127, the pixels \`aStride\` bytes apart
 * @param depth the inner dimension, up to a multiple of four, or of sixteen where a pixel has several parts
 * @param parts of which a pixel's integers are the sums, one after the other
 * @param panel of \`packInt8Panels\`
 * @param rows of \`quantizeRows\`: what a step is worth, and what 0 stands for
 * @param head scales, sums of columns and biases, eight each
 */
export function codeTile6(${PARAMETERS}): void {
  if (hasDot) tile6(true, a, aStride, depth, parts, panel, rows, head, to);
  else tile6(false, a, aStride, depth, parts, panel, rows, head, to);
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
  for (; parts > 0; parts--) {
    let b = panel + HEAD;
    const end = a0 + depth;
    for (const last = a0 + (depth & ~${STEPS * 4 - 1}); a0 < last; ) {
${unroll(STEPS, addSixProducts)}
${advance(STEPS)}
    }
    while (a0 < end) {
${addSixProducts(0)}
${advance(1)}
    }
  }
${unroll(2, (half) => [
  `  const scale${half} = v128.load(head, ${half * 16});`,
  `  const columnSum${half} = v128.load(head, ${32 + half * 16});`,
  `  const bias${half} = v128.load(head, ${64 + half * 16});`,
])}
${unroll(ROWS, (row) => [
  `  const step${row} = v128.load32_splat(rows, ${row * 8});`,
  `  const least${row} = v128.load32_splat(rows, ${row * 8 + 4});`,
  `  const row${row} = i16x8.narrow_i32x4_s(${code(row, 0)}, ${code(row, 1)});`,
  ...(row % 2 === 1
    ? [`  v128.store(to, ${bytesOf(`row${row - 1}`, `row${row}`)}, ${(row - 1) * 8});`]
    : []),
])}
}`;
}

function advance(steps: number): string {
  return `${unroll(ROWS, (row) => `    a${row} += ${steps * 4};`)}
    b += ${steps * 32};`;
}

function code(row: number, half: number): string {
  const sum = `f32x4.mul(f32x4.convert_i32x4_s(sum${row}${half}), step${row})`;
  const base = `f32x4.relaxed_madd(least${row}, columnSum${half}, bias${half})`;
  return toCode(`f32x4.relaxed_madd(${sum}, scale${half}, ${base})`);
}

/** @param value float32 */
export function toCode(value: string): string {
  return `i32x4.relaxed_trunc_f32x4_s(${value})`;
}

/** @param left sixteen bits a lane; the bytes that they become say at most 127 */
export function bytesOf(left: string, right: string): string {
  return `i8x16.max_s(i8x16.narrow_i16x8_s(${left}, ${right}), i8x16.splat(0))`;
}
