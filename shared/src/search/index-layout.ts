import * as z from '../contract/schema.ts';

const count = z.int().check(z.nonnegative());

/** What an index says of itself. */
const header = z.strictObject({
  format: z.literal(1),
  /** `id@version` of the model whose embeddings these are. */
  model: z.string(),
  /** Of an embedding. */
  width: z.int().check(z.minimum(1), z.maximum(65_536)),
  /** Of a vector; smaller than the width where embeddings are projected. */
  dimensions: z.int().check(z.minimum(1), z.maximum(2048)),
  /** How many vectors there are. */
  count,
  /** Bytes of all names. */
  nameBytes: count,
  /** Whether the vectors are in Vectorize, and the index has the projection only. */
  isRemote: z.boolean(),
});

export type IndexHeader = Readonly<z.infer<typeof header>>;

/** The file begins so. */
const MAGIC = 'GRAFTIDX';
/** Before the header. */
const PREFIX_BYTES = MAGIC.length + 4;
const ALIGNMENT = 16;
/** A model's id and version are a few dozen bytes. */
export const MAX_HEADER_BYTES = 4096;

/** Where the parts of an index lie, in bytes from its beginning; each is aligned to 16 bytes. */
export interface IndexLayout {
  /** `[dimensions, width]` float32, row-major; absent where vectors are whole embeddings. */
  readonly projection: number | undefined;
  /** `[count]` float32: what a step of each vector is worth. */
  readonly scales: number;
  /** `[count + 1]` uint32: where each name begins among all, and the last one ends. */
  readonly offsets: number;
  /** UTF-8. */
  readonly names: number;
  /** `[count, stride]` int8. */
  readonly codes: number;
  /** Bytes of a vector: its dimensions, and zeros up to a multiple of 16. */
  readonly stride: number;
  readonly end: number;
}

/** @param headerEnd where the header ends, aligned */
export function layOut(headerEnd: number, { width, dimensions, ...of }: IndexHeader): IndexLayout {
  const stride = aligned(dimensions);
  const isProjected = dimensions < width;
  const scales = headerEnd + (isProjected ? aligned(4 * dimensions * width) : 0);
  const offsets = scales + aligned(4 * of.count);
  const names = offsets + aligned(4 * (of.count + 1));
  const codes = names + aligned(of.nameBytes);
  return {
    ...{ projection: isProjected ? headerEnd : undefined, scales, offsets, names, codes, stride },
    end: codes + of.count * stride,
  };
}

/** @returns the file's beginning, up to where the header ends */
export function writeHeader(values: IndexHeader): Uint8Array {
  // In the order of the schema, so that equal indexes are equal files.
  const text = JSON.stringify(header.parse(values));
  const bytes = new TextEncoder().encode(text);
  const start = new Uint8Array(aligned(PREFIX_BYTES + bytes.length)).fill(' '.charCodeAt(0));
  start.set(new TextEncoder().encode(MAGIC));
  new DataView(start.buffer).setUint32(MAGIC.length, start.length - PREFIX_BYTES, true);
  start.set(bytes, PREFIX_BYTES);
  return start;
}

/**
 * @param file an index, or what it begins with, up to the end of its header at least
 * @param bytes of the whole file
 * @throws Error for another file, or one that was cut off
 */
export function readHeader(
  file: Uint8Array,
  bytes = file.length,
): {
  readonly header: IndexHeader;
  readonly layout: IndexLayout;
} {
  const text = (from: number, to: number) => new TextDecoder().decode(file.subarray(from, to));
  if (file.length < PREFIX_BYTES || text(0, MAGIC.length) !== MAGIC) {
    throw new Error('Expected an index that graft similar has written, but got another file.');
  }
  const length = new DataView(file.buffer, file.byteOffset).getUint32(MAGIC.length, true);
  const end = PREFIX_BYTES + length;
  const read = header.parse(JSON.parse(text(PREFIX_BYTES, end)));
  const layout = layOut(end, read);
  if (end % ALIGNMENT === 0 && layout.end === bytes) return { header: read, layout };
  throw new Error(`Expected an index of ${layout.end} bytes, but got ${bytes}.`);
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
