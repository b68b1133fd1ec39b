import { nameAt, viewOf } from '../bytes.ts';

export interface IsoBox {
  readonly type: string;
  /** The contents after its size and type. */
  readonly data: Uint8Array;
}

/** Twice the items of a grid of 4,096 tiles with transparency. */
const maxEntries = 16_384;

/** @throws Error for a list with more entries than any usual image has; a hostile file has millions */
export function refuseMany(count: number): void {
  if (count > maxEntries)
    throw new Error(`A list has ${count} entries, of which at most ${maxEntries} are allowed.`);
}

/**
 * The boxes in a file or in another box.
 *
 * @throws Error for a box that is longer than its container, and for more than {@link maxEntries}
 * @see ISO/IEC 14496-12, 4.2
 */
export function* walkBoxes(bytes: Uint8Array): Generator<IsoBox> {
  const view = viewOf(bytes);
  let at = 0;
  for (let count = 0; at < bytes.length; count++) {
    refuseMany(count);
    const size = view.getUint32(at);
    // 0 means the rest of the container, 1 a size of 64 bits.
    const start = at + (size === 1 ? 16 : 8);
    const length = size === 1 ? Number(view.getBigUint64(at + 8)) : size;
    const end = size === 0 ? bytes.length : at + length;
    if (start > end || end > bytes.length) {
      throw new Error('A box is longer than its container.');
    }
    yield { type: nameAt(bytes, at + 4), data: bytes.subarray(start, end) };
    at = end;
  }
}

/** Reads the numbers in a box one after the other. It throws a RangeError at the end. */
export class BoxReader {
  readonly #view: DataView;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#view = viewOf(data);
  }

  /** @param bytes size of the number; 0 bytes read as 0 */
  uint(bytes: number): number {
    let value = 0;
    for (let i = 0; i < bytes; i++) value = value * 256 + this.#view.getUint8(this.#at++);
    return value;
  }

  int32(): number {
    return this.uint(4) | 0;
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  /** The bytes that are not read yet. */
  rest(): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.#view;
    const at = Math.min(this.#at, byteLength);
    return new Uint8Array(buffer, byteOffset + at, byteLength - at);
  }
}
