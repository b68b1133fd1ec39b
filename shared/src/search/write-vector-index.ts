import { type IndexHeader, layOut, writeHeader } from './index-layout.ts';

/** Vectors to be searched, with what they are called. */
export interface NamedVectors {
  /** `id@version` of the model whose embeddings these are. */
  readonly model: string;
  /** `[count, dimensions]`, row-major. */
  readonly vectors: Float32Array;
  readonly dimensions: number;
  /** `[count]`; without names, the vectors are kept elsewhere, and the index has the projection only. */
  readonly names?: readonly string[];
  /** `[dimensions, width]`, by which embeddings become vectors, unless they are vectors themselves. */
  readonly projection?: Float32Array;
}

/**
 * Writes vectors in 8 bits, each with a scale that gives it the norm 1, so that dot products with a vector of norm
 * 1 are cosines.
 */
export function writeVectorIndex({
  model,
  vectors,
  dimensions,
  names,
  projection,
}: NamedVectors): Uint8Array<ArrayBuffer> {
  const texts = (names ?? []).map((name) => new TextEncoder().encode(name));
  const header: IndexHeader = {
    ...{ format: 1, model, dimensions, count: texts.length, isRemote: names === undefined },
    width: projection ? projection.length / dimensions : dimensions,
    nameBytes: texts.reduce((sum, { length }) => sum + length, 0),
  };
  const start = writeHeader(header);
  const layout = layOut(start.length, header);
  const file = new Uint8Array(layout.end);
  file.set(start);
  if (projection && layout.projection !== undefined) {
    new Float32Array(file.buffer, layout.projection, projection.length).set(projection);
  }
  const scales = new Float32Array(file.buffer, layout.scales, header.count);
  const offsets = new Uint32Array(file.buffer, layout.offsets, header.count + 1);
  let nameAt = 0;
  for (const [at, text] of texts.entries()) {
    offsets[at] = nameAt;
    file.set(text, layout.names + nameAt);
    nameAt += text.length;
    const codes = new Int8Array(file.buffer, layout.codes + at * layout.stride, dimensions);
    scales[at] = quantize(vectors.subarray(at * dimensions, (at + 1) * dimensions), codes);
  }
  offsets[header.count] = nameAt;
  return file;
}

/** @param codes receives the vector in steps @returns what a step is worth, for the norm 1 */
function quantize(vector: Float32Array, codes: Int8Array): number {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return 0;
  let squares = 0;
  for (const [at, value] of vector.entries()) {
    const code = Math.round((value / largest) * 127);
    codes[at] = code;
    squares += code * code;
  }
  return 1 / Math.sqrt(squares);
}
