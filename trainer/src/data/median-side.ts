import type { Part } from '../datasets/split.ts';

/** Read again in a second or two. */
const SAMPLE = 100;

/**
 * The median of the images' shorter sides, in pixels, of 100 of them at most. Images that are reduced when
 * they are read count as what is left, at least twice the network's input.
 */
export async function medianSide({ set, indices }: Part): Promise<number> {
  const count = Math.min(SAMPLE, indices.length);
  const chosen = Array.from(
    { length: count },
    (_, at) => indices[Math.floor((at * indices.length) / count)] as number,
  );
  set.prefetch?.(chosen);
  const sides: number[] = [];
  for (const index of chosen) {
    const { width, height } = await set.image(index);
    sides.push(Math.min(width, height));
  }
  return sides.sort((a, b) => a - b)[count >> 1] as number;
}
