import { nameAt, viewOf } from '../bytes.ts';

export interface IsoBox {
  readonly type: string;
  /** What stands behind its size and type. */
  readonly data: Uint8Array;
}

/** A grid of 4,096 tiles with transparency has half as many items. */
const maxEntries = 16_384;

/** @throws Error for more entries of a list than any image has; a hostile file holds millions */
export function refuseMany(count: number): void {
  if (count > maxEntries) throw new Error(`There are ${count} entries in one list.`);
}

/**
 * The boxes that a file, or another box, consists of.
 *
 * @throws Error for a box that is longer than what it stands in, and for more than {@link maxEntries}
 * @see ISO/IEC 14496-12, 4.2
 */
export function* walkBoxes(bytes: Uint8Array): Generator<IsoBox> {
  const view = viewOf(bytes);
  let at = 0;
  for (let count = 0; at < bytes.length; count++) {
    refuseMany(count);
    const size = view.getUint32(at);
    // 0 stands for all that is left, 1 for a size in 64 bits.
    const start = at + (size === 1 ? 16 : 8);
    const length = size === 1 ? Number(view.getBigUint64(at + 8)) : size;
    const end = size === 0 ? bytes.length : at + length;
    if (start > end || end > bytes.length) {
      throw new Error('A box is longer than what it stands in.');
    }
    yield { type: nameAt(bytes, at + 4), data: bytes.subarray(start, end) };
    at = end;
  }
}

/** Reads the numbers in a box one after the other, and throws a RangeError past its end. */
export class BoxReader {
  readonly #view: DataView;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#view = viewOf(data);
  }

  /** @param bytes may be 0, which reads as 0 */
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

  /** What is not read yet, to be read on its own. */
  rest(): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.#view;
    const at = Math.min(this.#at, byteLength);
    return new Uint8Array(buffer, byteOffset + at, byteLength - at);
  }
}
