import { type CodeFilter, codeFilters } from '../src/inference/kernels/replacing/code-filters.ts';
import { bytesOf, toCode } from './code-tile.ts';
import { unroll } from './unroll.ts';

/** Output pixels whose sums are in registers at a time. */
const PIXELS = 8;

/** Four columns, counted from the first ones that are read, by a row of weights that begins so far to the right in them. */
interface Term {
  readonly quad: number;
  readonly shift: number;
}

/** What makes up an output pixel. */
function termsOf({ width, step, padLeft }: CodeFilter, pixel: number): Term[] {
  const left = pixel * step - padLeft;
  const begin = Math.floor(left / 4);
  const shift = left - 4 * begin;
  // To the left of the image there are four columns of zeros, where a filter has padding.
  const quad = begin + (padLeft > 0 ? 1 : 0);
  const rest = { quad: quad + 1, shift: shift - 4 };
  return [{ quad, shift }, ...(shift + width > 4 ? [rest] : [])];
}

function shiftsOf(filter: CodeFilter): number[] {
  const terms = Array.from({ length: PIXELS }, (_, pixel) => termsOf(filter, pixel)).flat();
  return [...new Set(terms.map(({ shift }) => shift))];
}

/**
 * A line of a depthwise convolution's output, four channels of it, from codes to codes: see convolve-codes.ts.
 * It is unrolled for the reasons that matrix-tiles.ts gives.
 */
export function codeLines(): string {
  return `import { addProducts } from './int8-tile';

/** Of the input's plane, in bytes. */
let lineStride: usize = 0;
/** Of a filter. */
let weightBytes: usize = 0;
let outPixels: i32 = 0;

/** Sets what is the same for all lines that are computed next. */
export function setCodeLines(lineBytes: usize, filterBytes: usize, outWidth: i32): void {
  lineStride = lineBytes;
  weightBytes = filterBytes;
  outPixels = outWidth;
}

/** Fours of columns that are read for a line of the output. */
export function quadsUnder(outWidth: i32, step: i32): i32 {
  return ((outWidth + ${PIXELS - 1}) / ${PIXELS}) * ${PIXELS / 4} * step + 2;
}

/**
 * Puts the places at which a row of weights begins in four columns, for \`shiftTaps\`.
 *
 * @returns how many there are; 0 for a filter that has no lines
 */
export function putShifts(width: i32, step: i32, padLeft: i32, to: usize): i32 {
${codeFilters
  .map(
    (filter) => `  if (${isFilter(filter)} && padLeft === ${filter.padLeft}) {
${shiftsOf(filter)
  .map((shift, i) => `    store<i32>(to, ${shift}, ${i * 4});`)
  .join('\n')}
    return ${shiftsOf(filter).length};
  }`,
  )
  .join('\n')}
  return 0;
}

/**
 * @param line the leftmost columns under the filter
 * @param weights of \`shiftTaps\`
 * @param head scales and biases of four channels
 * @param to pixels, four bytes each, a multiple of eight
 */
export function codeLine(
  width: i32, step: i32, hasDot: bool, line: usize, weights: usize, head: usize, to: usize,
): void {
${codeFilters
  .map(
    (filter) => `  if (${isFilter(filter)}) {
    if (hasDot) ${nameOf(filter)}(true, line, weights, head, to);
    else ${nameOf(filter)}(false, line, weights, head, to);
  }`,
  )
  .join('\n')}
}

${codeFilters.map(lineOf).join('\n\n')}`;
}

function isFilter({ width, step }: CodeFilter): string {
  return `width === ${width} && step === ${step}`;
}

function nameOf({ width, step }: CodeFilter): string {
  return `line${width}By${step}`;
}

function lineOf(filter: CodeFilter): string {
  const shifts = shiftsOf(filter);
  const pixels = Array.from({ length: PIXELS }, (_, pixel) => pixel);
  const terms = pixels.flatMap((pixel) =>
    termsOf(filter, pixel).map((term) => ({ ...term, pixel })),
  );
  const quads = 1 + Math.max(...terms.map(({ quad }) => quad));
  const values = pixels.map(
    (pixel) => `f32x4.relaxed_madd(f32x4.convert_i32x4_s(sum${pixel}), scale, bias)`,
  );
  return `// @ts-ignore: a decorator of AssemblyScript
@inline
function ${nameOf(filter)}(hasDot: bool, line: usize, weights: usize, head: usize, to: usize): void {
  const stride = lineStride;
  const last = weights + weightBytes;
  const ones = i16x8.splat(1);
  const scale = v128.load(head);
  const bias = v128.load(head, 16);
  for (let pixels = outPixels; pixels > 0; pixels -= ${PIXELS}) {
    let from = line;
${unroll(PIXELS, (pixel) => `    let sum${pixel} = i32x4.splat(0);`)}
    let row = weights;
    do {
      let w: v128;
${unroll(quads, (quad) => `      const x${quad} = v128.load(from, ${quad * 32});`)}
${unroll(shifts.length, (i) => [
  `      w = v128.load(row, ${i * 16});`,
  ...terms
    .filter(({ shift }) => shift === shifts[i])
    .map(
      ({ pixel, quad }) =>
        `      sum${pixel} = addProducts(hasDot, w, x${quad}, ones, sum${pixel});`,
    ),
])}
      from += stride;
      row += ${shifts.length * 16};
    } while (row < last);
    const left = ${codesOf(values.slice(0, 4))};
    const right = ${codesOf(values.slice(4))};
    v128.store(to, left);
    v128.store(to, right, 16);
    to += ${PIXELS * 4};
    line += ${(PIXELS / 4) * filter.step * 32};
  }
}`;
}

/** @param values four vectors of float32 */
function codesOf(values: readonly string[]): string {
  const [a, b, c, d] = values.map(toCode);
  return bytesOf(`i16x8.narrow_i32x4_s(${a}, ${b})`, `i16x8.narrow_i32x4_s(${c}, ${d})`);
}
