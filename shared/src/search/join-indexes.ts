import {
  type IndexHeader,
  type IndexLayout,
  layOut,
  readHeader,
  writeHeader,
} from './index-layout.ts';

/** All of an index but the codes of its vectors. */
export interface IndexStart {
  readonly header: IndexHeader;
  readonly layout: IndexLayout;
  /** Of the file, up to the codes. */
  readonly bytes: Uint8Array;
}

/** @param file an index, from which the start is copied @throws Error for another file */
export function readStart(file: Uint8Array): IndexStart {
  const { header, layout } = readHeader(file);
  return { header, layout, bytes: file.slice(0, layout.codes) };
}

/**
 * Joins indexes to one of all their vectors, so that it is never in memory.
 *
 * @param first whose model, width and projection the joined index has
 * @param parts of as many dimensions, in their order
 * @returns what the joined index begins with, after which the codes of each part follow, and its bytes in all
 */
export function joinStarts(
  first: IndexStart,
  parts: readonly IndexStart[],
): { readonly start: Uint8Array<ArrayBuffer>; readonly bytes: number } {
  const sum = (of: (header: IndexHeader) => number) =>
    parts.reduce((total, { header }) => total + of(header), 0);
  const header: IndexHeader = {
    ...first.header,
    count: sum(({ count }) => count),
    nameBytes: sum(({ nameBytes }) => nameBytes),
  };
  const beginning = writeHeader(header);
  const layout = layOut(beginning.length, header);
  const start = new Uint8Array(layout.codes);
  start.set(beginning);
  if (first.layout.projection !== undefined && layout.projection !== undefined) {
    const { projection, scales } = first.layout;
    start.set(first.bytes.subarray(projection, scales), layout.projection);
  }
  const offsets = new Uint32Array(start.buffer, layout.offsets, header.count + 1);
  let [at, nameAt] = [0, 0];
  for (const { header: own, layout: from, bytes } of parts) {
    start.set(bytes.subarray(from.scales, from.scales + 4 * own.count), layout.scales + 4 * at);
    start.set(bytes.subarray(from.names, from.names + own.nameBytes), layout.names + nameAt);
    const begins = new Uint32Array(bytes.buffer, bytes.byteOffset + from.offsets, own.count);
    for (const begin of begins) offsets[at++] = nameAt + begin;
    nameAt += own.nameBytes;
  }
  offsets[at] = nameAt;
  return { start, bytes: layout.end };
}
