import { unroll } from './unroll.ts';

/** Columns of a panel. */
const PANEL = 8;

/**
 * A row of a matrix product by its values that are not zero, in registers from the first product to the
 * last. It is unrolled for the reasons that matrix-tiles.ts gives.
 *
 * A value is used once a tile, so loads are what it waits for: an x86 does two a cycle, and as many
 * multiplications. Weights of two columns come in 32 bits here, as bfloat16, which holds integers of 8
 * bits exactly; a shift and a mask make float32 of them.
 */
export function sparseTiles(): string {
  return [sparseTile(4), sparseTile(5)].join('\n\n');
}

function sparseTile(panels: number): string {
  const columns = panels * PANEL;
  const vectors = columns / 4;
  return `/**
 * Adds to ${columns} columns of a row.
 *
 * @param list places of values of \`a\`, a byte each, up to \`end\`
 * @param weights a row of ${columns} for each place, of \`pairPanel\`
 */
export function sparseTile${panels}(a: usize, list: usize, end: usize, weights: usize, out: usize): void {
  const mask = i32x4.splat(0xffff0000);
${unroll(vectors, (i) => `  let sum${i} = v128.load(out, ${i * 16});`)}
  for (; list < end; list++) {
    const place = <usize>load<u8>(list);
    const x = v128.load32_splat(a + (place << 2));
    const row = weights + place * ${columns * 2};
${unroll(panels, (panel) => [
  `    ${panel === 0 ? 'let ' : ''}pair = v128.load(row, ${panel * 16});`,
  `    sum${panel * 2} = f32x4.relaxed_madd(x, i32x4.shl(pair, 16), sum${panel * 2});`,
  `    sum${panel * 2 + 1} = f32x4.relaxed_madd(x, v128.and(pair, mask), sum${panel * 2 + 1});`,
])}
  }
${unroll(vectors, (i) => `  v128.store(out, sum${i}, ${i * 16});`)}
}`;
}
