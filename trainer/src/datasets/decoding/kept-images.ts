import type { Image } from 'shared/images/image';

const MOST_BYTES = 128 * 2 ** 20;

/**
 * Keeps decoded images for the epochs to come: a phone's photo takes longer to decode than to train on. The first
 * ones stay, until there is no more room. Images come in random order, so any others would serve no better.
 */
export class KeptImages {
  readonly #images = new Map<string, Image>();
  #room: number;

  /** @param room for their pixels, in bytes */
  constructor(room = MOST_BYTES) {
    this.#room = room;
  }

  /** @param key says which image it is, and how far it is reduced */
  async read(key: string, decode: () => Promise<Image>): Promise<Image> {
    const kept = this.#images.get(key);
    if (kept) return kept;
    const image = await decode();
    const { byteLength } = image.data;
    if (byteLength > this.#room || this.#images.has(key)) return image;
    this.#images.set(key, image);
    this.#room -= byteLength;
    return image;
  }
}
