import type { Picture } from 'shared/images/preprocess';

/** Decoded pictures that wait, in memory. */
const MAX_WAITING = 32;

/**
 * Reads pictures before they are asked for. libvips decodes in threads of its own, also while the
 * training holds this one, so that saying what comes next is enough to keep all cores busy.
 */
export class ReadAhead {
  readonly #read: (index: number) => Promise<Picture>;
  readonly #waiting = new Map<number, Promise<Picture>>();
  #queue: readonly number[] = [];
  #expected: readonly number[] = [];

  constructor(read: (index: number) => Promise<Picture>) {
    this.#read = read;
  }

  /**
   * Says what will be asked for next, perhaps before all of what was said the last time has been.
   * What was said before that is forgotten: no one came for it.
   */
  expect(indices: readonly number[]): void {
    const wanted = new Set([...this.#expected, ...indices]);
    for (const index of this.#waiting.keys()) if (!wanted.has(index)) this.#waiting.delete(index);
    this.#queue = [...this.#queue.filter((index) => wanted.has(index)), ...indices];
    this.#expected = indices;
    this.#fill();
  }

  take(index: number): Promise<Picture> {
    const picture = this.#waiting.get(index) ?? this.#read(index);
    this.#waiting.delete(index);
    if (this.#queue.includes(index)) this.#queue = this.#queue.filter((other) => other !== index);
    this.#fill();
    return picture;
  }

  #fill(): void {
    while (this.#queue.length > 0 && this.#waiting.size < MAX_WAITING) {
      const [index, ...rest] = this.#queue as [number, ...number[]];
      this.#queue = rest;
      if (this.#waiting.has(index)) continue;
      const picture = this.#read(index);
      // Whoever takes it learns of an error; no one else must.
      picture.catch(() => {});
      this.#waiting.set(index, picture);
    }
  }
}
