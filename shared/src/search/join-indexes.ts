import {
  type IndexHeader,
  type IndexLayout,
  layOut,
  MAX_HEADER_BYTES,
  readHeader,
  writeHeader,
} from './index-layout.ts';

/** An index of which only the header was read. */
export interface OpenIndex {
  readonly header: IndexHeader;
  readonly layout: IndexLayout;
  /** Reads the file up to the codes of its vectors. */
  readStart(): Promise<Uint8Array>;
}

/**
 * @param bytes of the file
 * @param read the file's first bytes
 * @throws Error for another file
 */
export async function openIndex(
  bytes: number,
  read: (length: number) => Promise<Uint8Array>,
): Promise<OpenIndex> {
  const first = await read(Math.min(bytes, MAX_HEADER_BYTES));
  const { header, layout } = readHeader(first, bytes);
  return { header, layout, readStart: () => read(layout.codes) };
}

/** Several indexes as one of all their vectors: it begins with its start, and the codes of each part follow. */
export class JoinedIndex {
  readonly #first: OpenIndex;
  readonly #parts: readonly OpenIndex[];
  readonly #beginning: Uint8Array;
  readonly #header: IndexHeader;
  readonly #layout: IndexLayout;

  /**
   * @param first whose model, width and projection it has
   * @param parts of as many dimensions, in their order
   */
  constructor(first: OpenIndex, parts: readonly OpenIndex[]) {
    const sum = (of: (header: IndexHeader) => number) =>
      parts.reduce((total, { header }) => total + of(header), 0);
    this.#first = first;
    this.#parts = parts;
    this.#header = {
      ...first.header,
      count: sum(({ count }) => count),
      nameBytes: sum(({ nameBytes }) => nameBytes),
    };
    this.#beginning = writeHeader(this.#header);
    this.#layout = layOut(this.#beginning.length, this.#header);
  }

  get bytes(): number {
    return this.#layout.end;
  }

  /** Joins the starts of the parts, of which one at a time is in memory. */
  async readStart(): Promise<Uint8Array<ArrayBuffer>> {
    const [header, layout] = [this.#header, this.#layout];
    const start = new Uint8Array(layout.codes);
    start.set(this.#beginning);
    const { projection, scales } = this.#first.layout;
    if (projection !== undefined && layout.projection !== undefined) {
      const bytes = await this.#first.readStart();
      start.set(bytes.subarray(projection, scales), layout.projection);
    }
    const offsets = new Uint32Array(start.buffer, layout.offsets, header.count + 1);
    let [at, nameAt] = [0, 0];
    for (const part of this.#parts) {
      const { header: own, layout: from } = part;
      const bytes = await part.readStart();
      start.set(bytes.subarray(from.scales, from.scales + 4 * own.count), layout.scales + 4 * at);
      start.set(bytes.subarray(from.names, from.names + own.nameBytes), layout.names + nameAt);
      const begins = new Uint32Array(bytes.buffer, bytes.byteOffset + from.offsets, own.count);
      for (const begin of begins) offsets[at++] = nameAt + begin;
      nameAt += own.nameBytes;
    }
    offsets[at] = nameAt;
    return start;
  }
}
