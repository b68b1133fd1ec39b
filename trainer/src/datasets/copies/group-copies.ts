import {
  type Description,
  describeThumbnail,
  hasNearlyTheSameBits,
  likenessOf,
  PLACES,
} from './fingerprint.ts';

/** What an image file is compared by. */
export interface Comparable {
  /** Of its bytes. */
  readonly hash: string;
  /** See `thumbnailOf`. */
  readonly thumbnail: string;
}

export interface Copies {
  /** For each image, the index of the first one of its group: its own where it is like no other. */
  readonly firsts: readonly number[];
  /** Images that are nearly the same as another, and which one they are most like. */
  readonly near: readonly { readonly index: number; readonly of: number }[];
}

/**
 * Groups images that are copies: byte for byte, or nearly so, as after another compression, another size,
 * a retouch, or in another light. Whatever an image of a group is nearly the same as is in the group too.
 */
export function groupCopies(images: readonly Comparable[]): Copies {
  const parents = images.map((_, index) => index);
  const firstOf = (index: number): number => {
    let first = index;
    while (parents[first] !== first) first = parents[first] as number;
    parents[index] = first;
    return first;
  };
  const join = (a: number, b: number) => {
    const [first, second] = [firstOf(a), firstOf(b)].sort((x, y) => x - y) as [number, number];
    parents[second] = first;
  };
  const byHash = new Map<string, number>();
  const best = new Map<number, { of: number; likeness: number }>();
  const note = (index: number, of: number, likeness: number) => {
    if (likeness > (best.get(index)?.likeness ?? 0)) best.set(index, { of, likeness });
  };
  const nearby = new Places();
  for (const [index, { hash, thumbnail }] of images.entries()) {
    const copy = byHash.get(hash);
    if (copy !== undefined) {
      join(copy, index);
      continue;
    }
    byHash.set(hash, index);
    const description = describeThumbnail(thumbnail);
    if (!description) continue;
    for (const cell of nearby.around(description)) {
      for (const other of cell) {
        if (!hasNearlyTheSameBits(description, other.description)) continue;
        const likeness = likenessOf(description, other.description);
        if (likeness === undefined) continue;
        join(other.index, index);
        note(index, other.index, likeness);
        note(other.index, index, likeness);
      }
    }
    nearby.add({ index, description });
  }
  const firsts = images.map((_, index) => firstOf(index));
  const near = [...best]
    .filter(([index]) => firsts[index] !== index)
    .map(([index, { of }]) => ({ index, of }))
    .sort((a, b) => a.index - b.index);
  return { firsts, near };
}

interface Placed {
  readonly index: number;
  readonly description: Description;
}

/** Images by place, so that one of 100,000 is compared with those that could be like it only. */
class Places {
  readonly #cells = new Map<number, Placed[]>();

  add(one: Placed): void {
    const key = keyOf(one.description.place);
    const cell = this.#cells.get(key);
    if (cell) cell.push(one);
    else this.#cells.set(key, [one]);
  }

  /** The cells in which images that are nearly the same may be. */
  around({ place: [x, y, z] }: Description): Placed[][] {
    const cells: Placed[][] = [];
    for (let dx = -1; dx <= 1; dx++) {
      for (let dy = -1; dy <= 1; dy++) {
        for (let dz = -1; dz <= 1; dz++) {
          const cell = this.#cells.get(keyOf([x + dx, y + dy, z + dz]));
          if (cell) cells.push(cell);
        }
      }
    }
    return cells;
  }
}

function keyOf([x, y, z]: Description['place']): number {
  return (x * PLACES + y) * PLACES + z;
}
