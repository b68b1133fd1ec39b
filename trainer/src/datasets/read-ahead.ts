import type { Image } from 'shared/images/image';

/** The most decoded images that are kept in memory. */
const MAX_WAITING = 32;

/** An image, and the side of the network's input for which it is reduced. */
interface Wanted {
  readonly index: number;
  readonly size: number;
}

/**
 * Reads images before they are needed. Other threads decode them, also while training blocks this
 * one, so that announcing what comes next is enough to keep all cores busy.
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
   * Announces which images will be taken next, perhaps before all of those of the last call have
   * been. Images of earlier calls that were not taken are dropped.
   */
  prefetch(indices: readonly number[], size: number): void {
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
      // An error belongs to whoever takes the image, so an unhandled rejection must not end the process.
      image.catch(() => {});
      this.#waiting.set(key, image);
    }
  }
}

function keyOf({ index, size }: Wanted): string {
  return `${index}/${size}`;
}
