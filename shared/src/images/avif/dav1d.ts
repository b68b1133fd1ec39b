import type { DecoderProgram } from '../decoder-programs.ts';
import { allocate, type DecoderMemory, startDecoder } from '../wasm-decoder.ts';

/** The exports of dav1d/dav1d.c, which documents them. */
interface Dav1dModule extends DecoderMemory {
  _initialize(): void;
  readHeader(data: number, length: number): number;
  decode(data: number, length: number, frameBytes: number, frames: number): number;
  version(): number;
}

/** The values of {@link Av1Image.layout}. */
export const layouts = { grey: 0, 420: 1, 422: 2, 444: 3 } as const;

/** The facts in both a sequence header and a decoded frame. */
interface Av1Image {
  readonly width: number;
  readonly height: number;
  /** Bits per sample: 8, 10 or 12. */
  readonly depth: number;
  /** Whether there is chroma, and along which sides it has half the samples. */
  readonly layout: number;
  /** @see ITU-T H.273, 8.3 */
  readonly matrix: number;
  readonly isFullRange: boolean;
}

export interface Av1Header extends Av1Image {
  /** Bytes of a frame, and how many frames there may be at a time. */
  readonly frameBytes: number;
  readonly frames: number;
}

export interface Av1Frame extends Av1Image {
  /** Y, U and V, or Y alone. */
  readonly planes: readonly [Av1Plane, Av1Plane?, Av1Plane?];
}

/** In the decoder's memory. */
export interface Av1Plane {
  readonly samples: Uint8Array | Uint16Array;
  /** Distance between rows, in samples. */
  readonly stride: number;
}

export interface Dav1d {
  /** @throws Error where the data has no sequence header */
  readHeader(data: Uint8Array): Av1Header;
  /**
   * @param limits of memory, the same in every call
   * @returns views that are valid until the next call
   * @throws Error for data that dav1d refuses, or that needs more memory
   */
  decode(data: Uint8Array, limits: Pick<Av1Header, 'frameBytes' | 'frames'>): Av1Frame;
}

/** The library's version, as in 0x010501 for 1.5.1. */
export function dav1dVersion(program: DecoderProgram): number {
  const dav1d = startDecoder<Dav1dModule>(program);
  dav1d._initialize();
  return dav1d.version();
}

/** Memory besides frames: the program, its stack, and dav1d's data for each pixel. Measured: 2.4, 1.1. */
export function dav1dBytes(pixels: number): number {
  return 2.5 * 1024 * 1024 + pixels * 1.25;
}

/**
 * Starts dav1d in memory of its own.
 *
 * @param largest size of all data that it will be given, in bytes
 */
export function startDav1d(program: DecoderProgram, largest: number): Dav1d {
  const dav1d = startDecoder<Dav1dModule>(program);
  dav1d._initialize();
  const dataAt = allocate(dav1d, largest);
  const place = (data: Uint8Array): void => {
    new Uint8Array(dav1d.memory.buffer, dataAt, largest).set(data);
  };
  /** The numbers at the beginning of a result, and the rest. */
  const read = (at: number): readonly [Av1Image, ...number[]] => {
    if (at === 0) throw new Error('dav1d refused the data.');
    const numbers = [...new Int32Array(dav1d.memory.buffer, at, 11)];
    const [width = 0, height = 0, depth = 0, layout = 0, matrix = 0, range, ...rest] = numbers;
    return [{ width, height, depth, layout, matrix, isFullRange: range === 1 }, ...rest];
  };
  return {
    readHeader(data) {
      place(data);
      const [image, frameBytes = 0, frames = 0] = read(dav1d.readHeader(dataAt, data.length));
      return { ...image, frameBytes, frames };
    },
    decode(data, { frameBytes, frames }) {
      place(data);
      const result = dav1d.decode(dataAt, data.length, frameBytes, frames);
      const [image, y = 0, u = 0, v = 0, strideY = 0, strideUv = 0] = read(result);
      const Samples = image.depth > 8 ? Uint16Array : Uint8Array;
      const rows = image.layout === layouts[420] ? (image.height + 1) >> 1 : image.height;
      const plane = (at: number, strideBytes: number, rows: number): Av1Plane => {
        const stride = strideBytes / Samples.BYTES_PER_ELEMENT;
        return { samples: new Samples(dav1d.memory.buffer, at, stride * rows), stride };
      };
      const luma = plane(y, strideY, image.height);
      if (image.layout === layouts.grey) return { ...image, planes: [luma] };
      return { ...image, planes: [luma, plane(u, strideUv, rows), plane(v, strideUv, rows)] };
    },
  };
}
