import type { Image } from 'shared/images/image';

/** Decoded images that wait, in memory. */
const MAX_WAITING = 32;

/** Which image, and the side of the network's input that it is reduced for. */
interface Wanted {
  readonly index: number;
  readonly size: number;
}

/**
 * Reads images before they are asked for. Threads of their own decode them, also while the training
 * holds this one, so that saying what comes next is enough to keep all cores busy.
 */
export class ReadAhead {
  readonly #read: (index: number, size: number) => Promise<Image>;
  readonly #waiting = new Map<string, Promise<Image>>();
  #queue: readonly Wanted[] = [];
  #expected: readonly Wanted[] = [];

  constructor(read: (index: number, size: number) => Promise<Image>) {
    this.#read = read;
  }

  /**
   * Says what will be asked for next, perhaps before all of what was said the last time has been.
   * What was said before that is forgotten: no one came for it.
   */
  expect(indices: readonly number[], size: number): void {
    const next = indices.map((index) => ({ index, size }));
    const wanted = new Set([...this.#expected, ...next].map(keyOf));
    for (const key of this.#waiting.keys()) if (!wanted.has(key)) this.#waiting.delete(key);
    this.#queue = [...this.#queue.filter((one) => wanted.has(keyOf(one))), ...next];
    this.#expected = next;
    this.#fill();
  }

  take(index: number, size: number): Promise<Image> {
    const key = keyOf({ index, size });
    const image = this.#waiting.get(key) ?? this.#read(index, size);
    this.#waiting.delete(key);
    if (this.#queue.some((one) => keyOf(one) === key))
      this.#queue = this.#queue.filter((one) => keyOf(one) !== key);
    this.#fill();
    return image;
  }

  #fill(): void {
    while (this.#queue.length > 0 && this.#waiting.size < MAX_WAITING) {
      const [wanted, ...rest] = this.#queue as [Wanted, ...Wanted[]];
      this.#queue = rest;
      const key = keyOf(wanted);
      if (this.#waiting.has(key)) continue;
      const image = this.#read(wanted.index, wanted.size);
      // Whoever takes it learns of an error; no one else must.
      image.catch(() => {});
      this.#waiting.set(key, image);
    }
  }
}

function keyOf({ index, size }: Wanted): string {
  return `${index}/${size}`;
}
