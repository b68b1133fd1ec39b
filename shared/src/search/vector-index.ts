import { aligned, type IndexHeader, type IndexLayout, readHeader } from './index-layout.ts';
import { project } from './principal-directions.ts';

/** A vector of the index that is near another one. */
export interface Match {
  /** The name of the image. */
  readonly image: string;
  /** Cosine of the angle between the two, −1 to 1. */
  readonly similarity: number;
}

/** The part of WebAssembly that Node and Workers type in different ways. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
declare const WebAssembly: { readonly Memory: new (limits: { initial: number }) => Memory };

/** Makes an instance of `dot-products.wasm` in a memory. */
type InstantiateSearch = (imports: { env: { memory: object } }) => object;

type DotProducts = (
  codes: number,
  scales: number,
  count: number,
  stride: number,
  query: number,
  out: number,
) => void;

const PAGE = 65_536;

/** So large that no sum of 2,048 products with codes of 8 bits leaves 32 bits. */
const LARGEST_STEP = 8191;

/** Vectors of 8 bits in memory, all of which are compared with each query. */
export class VectorIndex {
  readonly header: IndexHeader;
  readonly #layout: IndexLayout;
  readonly #buffer: ArrayBuffer;
  readonly #dotProducts: DotProducts;
  readonly #queryAt: number;
  readonly #outAt: number;

  /**
   * Fills the memory in which an index is searched, so that it is never in memory twice.
   *
   * @param bytes of the index
   * @param fill writes it
   * @throws Error for a file that is no index
   */
  static async load(
    bytes: number,
    fill: (target: Uint8Array) => Promise<void>,
    instantiate: InstantiateSearch,
  ): Promise<VectorIndex> {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
    const file = new Uint8Array(memory.buffer, 0, bytes);
    await fill(file);
    return new VectorIndex(memory, file, instantiate);
  }

  private constructor(memory: Memory, file: Uint8Array, instantiate: InstantiateSearch) {
    const { header, layout } = readHeader(file);
    this.header = header;
    this.#layout = layout;
    this.#queryAt = aligned(layout.end);
    this.#outAt = this.#queryAt + 2 * layout.stride;
    const missing = this.#outAt + aligned(4 * header.count) - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    this.#buffer = memory.buffer;
    const { dotProducts } = instantiate({ env: { memory } }) as { dotProducts: DotProducts };
    this.#dotProducts = dotProducts;
  }

  /**
   * @param embedding `[width]`
   * @returns `[dimensions]` of norm 1
   * @throws Error for an embedding of another width
   */
  toVector(embedding: Float32Array): Float32Array {
    const { width, dimensions } = this.header;
    if (embedding.length !== width) {
      throw new Error(`Expected an embedding of ${width} values, but got ${embedding.length}.`);
    }
    const { projection } = this.#layout;
    if (projection === undefined) return toUnit(embedding);
    const directions = new Float32Array(this.#buffer, projection, dimensions * width);
    return toUnit(project(directions, embedding));
  }

  /**
   * @param vector of norm 1, as {@link toVector} gives it
   * @param top how many at most
   * @returns the nearest ones, the most similar first
   */
  nearest(vector: Float32Array, top: number): Match[] {
    const { codes, scales, stride } = this.#layout;
    const { count } = this.header;
    const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const step = largest / LARGEST_STEP || 1;
    const query = new Int16Array(this.#buffer, this.#queryAt, stride);
    for (const [at, value] of vector.entries()) query[at] = Math.round(value / step);
    this.#dotProducts(codes, scales, count, stride, this.#queryAt, this.#outAt);
    const products = new Float32Array(this.#buffer, this.#outAt, count);
    return largestOf(products, top).map((at) => ({
      image: this.#name(at),
      similarity: Math.min(1, Math.max(-1, (products[at] as number) * step)),
    }));
  }

  #name(at: number): string {
    const { offsets, names } = this.#layout;
    const [begin = 0, end = 0] = new Uint32Array(this.#buffer, offsets + 4 * at, 2);
    return new TextDecoder().decode(new Uint8Array(this.#buffer, names + begin, end - begin));
  }
}

/** @returns the places of the largest values, the largest first; of equal ones, the first */
function largestOf(values: Float32Array, count: number): number[] {
  const places: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (let place = 0; place < values.length; place++) {
    const value = values[place] as number;
    if (places.length === count && value <= least) continue;
    let at = places.length;
    while (at > 0 && (values[places[at - 1] as number] as number) < value) at--;
    places.splice(at, 0, place);
    if (places.length > count) places.pop();
    least = values[places.at(-1) as number] as number;
  }
  return places;
}

function toUnit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const norm = Math.sqrt(squares) || 1;
  return vector.map((value) => value / norm);
}
