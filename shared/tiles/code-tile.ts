import { unroll } from './unroll.ts';

/** Neighbouring columns of an image, whose codes share a lane. */
const PIXELS = 4;
/** Steps in a turn of the loop; each takes four values of the inner dimension, one a byte of a lane. */
const STEPS = 4;
const PARAMETERS = `
  hasDot: bool, a: usize, aStride: usize, depth: usize, panel: usize, rows: usize, head: usize, to: usize, quads: i32,
`;

const pixels = Array.from({ length: PIXELS }, (_, pixel) => pixel);

/** A tile of an expansion, which becomes codes: see convolve-codes.ts. It is unrolled for the reasons that matrix-tiles.ts gives. */
export function codeTile(): string {
  return `import { HEAD } from '../int8-panels';
import { addProducts } from './int8-tile';

/**
 * A line of pixels of eight channels, as codes, those of four neighbouring pixels of a channel side by side.
 *
 * @param hasDot what \`hasDotProduct\` says
 * @param a integers from 0 to 127, the pixels \`aStride\` bytes apart
 * @param depth the inner dimension, up to a multiple of four
 * @param panel of \`packInt8Panels\`
 * @param rows of \`quantizeRows\`: what a step is worth, and what 0 stands for
 * @param head scales, sums of columns and biases, eight each
 */
export function codeTiles(${PARAMETERS}): void {
  if (hasDot) tiles(true, a, aStride, depth, panel, rows, head, to, quads);
  else tiles(false, a, aStride, depth, panel, rows, head, to, quads);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function tiles(${PARAMETERS}): void {
  const ones = i16x8.splat(1);
  for (; quads > 0; quads--) {
  let a0 = a;
${unroll(PIXELS - 1, (pixel) => `  let a${pixel + 1} = a${pixel} + aStride;`)}
${unroll(PIXELS, (pixel) => [
  `  let sum${pixel}0 = i32x4.splat(0);`,
  `  let sum${pixel}1 = i32x4.splat(0);`,
])}
  let b = panel + HEAD;
  const end = a0 + depth;
  for (const last = a0 + (depth & ~${STEPS * 4 - 1}); a0 < last; ) {
${unroll(STEPS, addStep)}
${advance(STEPS)}
  }
  while (a0 < end) {
${addStep(0)}
${advance(1)}
  }
${unroll(2, (half) => [
  `  const scale${half} = v128.load(head, ${half * 16});`,
  `  const columnSum${half} = v128.load(head, ${32 + half * 16});`,
  `  const bias${half} = v128.load(head, ${64 + half * 16});`,
])}
${unroll(PIXELS, (pixel) => [
  `  const step${pixel} = v128.load32_splat(rows, ${pixel * 8});`,
  `  const least${pixel} = v128.load32_splat(rows, ${pixel * 8 + 4});`,
  ...[0, 1].map((half) => `  const value${pixel}${half} = ${summed(pixel, half)};`),
])}
${unroll(2, (half) => [
  `  const codes${half} = ${codesOf(pixels.map((pixel) => `value${pixel}${half}`))};`,
  `  v128.store(to, v128.shuffle<i8>(codes${half}, codes${half}, ${sideBySide}), ${half * 16});`,
])}
  a += aStride << 2;
  rows += 32;
  to += 32;
  }
}`;
}

/** From channels of each pixel to pixels of each channel. */
const sideBySide = pixels
  .flatMap((channel) => pixels.map((pixel) => pixel * PIXELS + channel))
  .join(', ');

function addStep(step: number): string {
  const declare = step === 0 ? 'let ' : '';
  return `    ${declare}b0 = v128.load(b, ${step * 32});
    ${declare}b1 = v128.load(b, ${step * 32 + 16});
${unroll(PIXELS, (pixel) => [
  `    ${pixel === 0 ? declare : ''}x = v128.load32_splat(a${pixel}, ${step * 4});`,
  `    sum${pixel}0 = addProducts(hasDot, b0, x, ones, sum${pixel}0);`,
  `    sum${pixel}1 = addProducts(hasDot, b1, x, ones, sum${pixel}1);`,
])}`;
}

function advance(steps: number): string {
  return `${unroll(PIXELS, (pixel) => `    a${pixel} += ${steps * 4};`)}
    b += ${steps * 32};`;
}

function summed(pixel: number, half: number): string {
  const sum = `f32x4.mul(f32x4.convert_i32x4_s(sum${pixel}${half}), step${pixel})`;
  const base = `f32x4.relaxed_madd(least${pixel}, columnSum${half}, bias${half})`;
  return `f32x4.relaxed_madd(${sum}, scale${half}, ${base})`;
}

/** @param values four vectors of float32; the bytes that they become say at most 127 */
export function codesOf(values: readonly string[]): string {
  const [left, right] = [0, 2].map((i) => {
    const [a, b] = [values[i], values[i + 1]].map(
      (value) => `i32x4.relaxed_trunc_f32x4_s(${value})`,
    );
    return `i16x8.narrow_i32x4_s(${a}, ${b})`;
  });
  return `i8x16.max_s(i8x16.narrow_i16x8_s(${left}, ${right}), i8x16.splat(0))`;
}
