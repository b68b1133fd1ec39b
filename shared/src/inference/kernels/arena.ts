/** Of the processor's caches. */
const LINE_BYTES = 64;

interface Gap {
  readonly at: number;
  readonly end: number;
}

/**
 * Gives out the parts of a range of addresses, each time the first that is large enough: what was used
 * last is used again soonest, and is still in the cache. Each part has cache lines of its own.
 */
export class Arena {
  /** After the last address that was ever given out. */
  extent: number;
  /** By address; neighbours are joined. */
  #gaps: Gap[];
  readonly #taken = new Map<number, Gap>();

  /** @param at a multiple of 64 */
  constructor(at: number, bytes = Infinity) {
    this.extent = at;
    this.#gaps = [{ at, end: at + bytes }];
  }

  /** @returns a multiple of 64, or nothing if no gap is large enough */
  take(bytes: number): number | undefined {
    const size = upToLine(Math.max(1, bytes));
    const place = this.#gaps.findIndex(({ at, end }) => end - at >= size);
    const gap = this.#gaps[place];
    if (!gap) return;
    const part = { at: gap.at, end: gap.at + size };
    const rest = part.end < gap.end ? [{ at: part.end, end: gap.end }] : [];
    this.#gaps.splice(place, 1, ...rest);
    this.#taken.set(part.at, part);
    this.extent = Math.max(this.extent, part.end);
    return part.at;
  }

  /** @returns whether the address was given out, and not back */
  has(address: number): boolean {
    return this.#taken.has(address);
  }

  /** @returns whether the address was one of this arena's */
  giveBack(address: number): boolean {
    const part = this.#taken.get(address);
    if (!part) return false;
    this.#taken.delete(address);
    const { at, end } = part;
    const before = this.#gaps.find((gap) => gap.end === at);
    const behind = this.#gaps.find((gap) => gap.at === end);
    this.#gaps = [
      ...this.#gaps.filter((gap) => gap !== before && gap !== behind),
      { at: before?.at ?? at, end: behind?.end ?? end },
    ].sort((a, b) => a.at - b.at);
    return true;
  }
}

/** Memory of a heap that begins at a cache line: a vector across two of them takes twice as long to load. */
export function mallocLines(
  malloc: (bytes: number) => number,
  bytes: number,
): { readonly at: number; readonly block: number } {
  const block = malloc(LINE_BYTES + bytes);
  return { at: upToLine(block), block };
}

export function upToLine(bytes: number): number {
  return Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;
}
