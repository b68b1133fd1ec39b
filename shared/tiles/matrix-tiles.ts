import { unroll } from './unroll.ts';

/** Steps of the inner dimension in a turn of the loop: they share the additions to the addresses. */
const STEPS = 4;

/**
 * Tiles of a float32 matrix product, which stay in registers from the first product to the last. Of the
 * 16 vector registers of x86, six rows take 12 for the sums, two for the panel of the right factor and one
 * for a value of the left factor.
 *
 * The loops are unrolled here because these kernels are compiled without AssemblyScript's optimizer, which
 * would put all products of a sum one after the other, each waiting for the one before: V8 keeps the order
 * that is written. For the same reason innermost loops call no functions and name no module constants.
 *
 * Node lets the processor catch accesses beyond the memory, but workerd compares every address, and what a
 * loop does besides its sums then decides its speed. So several steps share their additions, and
 * asconfig.cnn.json declares a page of memory at least, so that V8 need not ask whether an offset lies in it.
 */
export function matrixTiles(): string {
  return [
    '/** Six rows and eight columns of the product, four steps of the inner dimension at a time. */',
    matrixTile(6),
    '',
    '/** The same for five rows. */',
    matrixTile(5),
    '',
    '/** One row; each step has sums of its own, since one addition waits for the other. */',
    rowTile(),
  ].join('\n');
}

function matrixTile(rows: number): string {
  return `export function tile${rows}(
  a0: usize, aStride: usize, panel: usize, bias0: v128, bias1: v128, low: v128, high: v128,
  out: usize, outStride: usize,
): void {
${unroll(rows - 1, (row) => `  let a${row + 1} = a${row} + aStride;`)}
${unroll(rows, (row) => [`  let sum${row}0 = bias0;`, `  let sum${row}1 = bias1;`])}
  const end = a0 + aStride;
  for (const last = a0 + (aStride & ~15); a0 < last; ) {
${unroll(STEPS, (step) => addProducts(rows, step))}
${advance(rows, STEPS)}
  }
  while (a0 < end) {
${addProducts(rows, 0)}
${advance(rows, 1)}
  }
${unroll(rows, (row) => [
  ...(row > 0 ? ['  out += outStride;'] : []),
  `  v128.store(out, f32x4.pmin(f32x4.pmax(sum${row}0, low), high));`,
  `  v128.store(out, f32x4.pmin(f32x4.pmax(sum${row}1, low), high), 16);`,
])}
}`;
}

function rowTile(): string {
  return `export function tile1(
  a: usize, aStride: usize, panel: usize, bias0: v128, bias1: v128, low: v128, high: v128, out: usize,
): void {
${unroll(STEPS, (step) => [0, 1].map((half) => `  let sum${step}${half} = ${step === 0 ? `bias${half}` : 'f32x4.splat(0)'};`))}
  const end = a + aStride;
  for (const last = a + (aStride & ~15); a < last; a += ${STEPS * 4}) {
${unroll(STEPS, addRowProducts)}
    panel += ${STEPS * 32};
  }
  for (; a < end; a += 4) {
${addRowProducts(0)}
    panel += 32;
  }
  sum00 = f32x4.add(f32x4.add(sum00, sum10), f32x4.add(sum20, sum30));
  sum01 = f32x4.add(f32x4.add(sum01, sum11), f32x4.add(sum21, sum31));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum00, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum01, low), high), 16);
}`;
}

function addRowProducts(step: number): string {
  return `    const x${step} = v128.load32_splat(a, ${step * 4});
    sum${step}0 = f32x4.relaxed_madd(x${step}, v128.load(panel, ${step * 32}), sum${step}0);
    sum${step}1 = f32x4.relaxed_madd(x${step}, v128.load(panel, ${step * 32 + 16}), sum${step}1);`;
}

/** One step of the inner dimension: a row of the panel times a value of each row of the left factor. */
function addProducts(rows: number, step: number): string {
  const declare = step === 0 ? 'let ' : '';
  return `    ${declare}b0 = v128.load(panel, ${step * 32});
    ${declare}b1 = v128.load(panel, ${step * 32 + 16});
${unroll(rows, (row) => [
  `    ${row === 0 ? declare : ''}x = v128.load32_splat(a${row}, ${step * 4});`,
  `    sum${row}0 = f32x4.relaxed_madd(x, b0, sum${row}0);`,
  `    sum${row}1 = f32x4.relaxed_madd(x, b1, sum${row}1);`,
])}`;
}

function advance(rows: number, steps: number): string {
  return `${unroll(rows, (row) => `    a${row} += ${steps * 4};`)}
    panel += ${steps * 32};`;
}
