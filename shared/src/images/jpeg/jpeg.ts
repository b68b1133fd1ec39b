import type { DecoderProgram, DecoderPrograms } from '../decoder-programs.ts';
import type { Image, OpenImage } from '../image.ts';
import { ImageError } from '../image-error.ts';
import { keepDecoder, startDecoder, takeDecoder } from '../wasm-decoder.ts';
import { type JpegHeader, readJpegHeader } from './jpeg-header.ts';
import { readJpegProfile } from './jpeg-profile.ts';

/** The exports of decoders/jpeg/jpeg.c, which documents them. */
interface JpegTurbo {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize(): void;
  prepare(fileBytes: number): number;
  decode(
    file: number,
    fileBytes: number,
    width: number,
    height: number,
    divisor: number,
    maxWork: number,
  ): number;
  finish(): void;
  version(): number;
}

/** Reasons of jpeg.c itself; libjpeg's own message codes are positive. */
const reasons = { cutOff: -1, tooMuchWork: -2 };

/** The decoder gave up. Its instance is in an unknown state and is dropped. */
class JpegFailure extends Error {
  readonly reason: number;

  constructor(reason: number) {
    super(`libjpeg-turbo gave up for reason ${reason}.`);
    this.reason = reason;
  }
}

/**
 * The work of the scans after the first one, in units of jpeg.c, a third to one nanosecond each. Photos
 * with as many blocks as memory holds take 0.3 × 10^9.
 */
const maxWork = 1e9;

/** Memory of the program, its stack, and all else except file, coefficients and pixels. Measured. */
const programBytes = 1024 * 1024;

/**
 * Opens a JPEG for libjpeg-turbo: accurate DCT and smooth upsampling, as in Pillow and sharp.
 * It reduces by 2, 4 or 8 inside the DCT, so that the full image is never computed.
 */
export function openJpeg(file: Uint8Array, programs: DecoderPrograms): OpenImage | undefined {
  const header = readJpegHeader(file);
  if (!header) return undefined;
  return {
    ...header,
    profile: readJpegProfile(file),
    memoryBytes(reduction) {
      const { width, height } = header;
      const divisor = divisorFor(reduction);
      const pixelBytes = Math.ceil(width / divisor) * Math.ceil(height / divisor) * 4;
      // A few rows of each component.
      const rowBytes = width * 100;
      return programBytes + file.length + header.coefficientBytes + rowBytes + pixelBytes;
    },
    decode: async (reduction) => decodeJpeg(file, await programs.jpeg(), header, reduction),
  };
}

/**
 * @throws Error for a file that libjpeg-turbo refuses, or whose pixels or end are missing: the result
 *   would be half grey, with a confident label. Other damage is ignored, as in browsers.
 * @throws ImageError `broken_image` for scans with more work than the pixels justify
 */
export function decodeJpeg(
  file: Uint8Array,
  program: DecoderProgram,
  { width, height }: JpegHeader,
  reduction: number,
): Image {
  const turbo = takeDecoder<JpegTurbo>(program) ?? startJpegTurbo(program);
  const fileAt = turbo.prepare(file.length);
  if (fileAt === 0) throw new Error(`The decoder has no memory left for ${file.length} bytes.`);
  new Uint8Array(turbo.memory.buffer).set(file, fileAt);
  const image = explain(() =>
    turbo.decode(fileAt, file.length, width, height, divisorFor(reduction), maxWork),
  );
  const [pixelsAt = 0, outWidth = 0, outHeight = 0] = new Int32Array(turbo.memory.buffer, image, 3);
  const isWhole = finish(turbo);
  const view = new Uint8Array(turbo.memory.buffer, pixelsAt, outWidth * outHeight * 4);
  const isKept = isWhole && keepDecoder(program, turbo);
  return {
    width: outWidth,
    height: outHeight,
    channels: 4,
    // The next image will overwrite these.
    data: isKept ? view.slice() : view,
  };
}

/** The library's version, as in 3001000 for 3.1.0. */
export function jpegTurboVersion(program: DecoderProgram): number {
  return startJpegTurbo(program).version();
}

/** By which sides are divided, rounded up. */
function divisorFor(reduction: number): number {
  return [8, 4, 2].find((divisor) => divisor <= reduction) ?? 1;
}

/** @returns whether only the bytes between the pixels and the end are wrong, which no reader uses */
function finish(turbo: JpegTurbo): boolean {
  try {
    turbo.finish();
    return true;
  } catch (error) {
    if (!(error instanceof JpegFailure) || error.reason === reasons.cutOff) throw error;
    return false;
  }
}

function explain<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof JpegFailure) || error.reason !== reasons.tooMuchWork) throw error;
    throw new ImageError(
      'broken_image',
      'The JPEG has far more scans than any usual image; save it again with another program.',
      { cause: error },
    );
  }
}

function startJpegTurbo(program: DecoderProgram): JpegTurbo {
  const fail = (reason: number): never => {
    throw new JpegFailure(reason);
  };
  const turbo = startDecoder<JpegTurbo>(program, { host: { fail } });
  turbo._initialize();
  return turbo;
}
