import type { DecoderProgram, DecoderPrograms } from './decoder-programs.ts';
import { type JpegHeader, readJpegHeader } from './jpeg-header.ts';
import type { OpenPicture } from './open-picture.ts';
import type { Picture } from './preprocess.ts';
import { allocate, type DecoderMemory, place, startDecoder, wasiStubs } from './wasm-decoder.ts';

interface JpegTurbo extends DecoderMemory {
  free(address: number): void;
  tjInitDecompress(): number;
  tjDestroy(decompressor: number): number;
  tjDecompress2(
    decompressor: number,
    file: number,
    fileLength: number,
    pixels: number,
    width: number,
    pitch: number,
    height: number,
    pixelFormat: number,
    flags: number,
  ): number;
}

/** @see turbojpeg.h, `enum TJPF` */
const pixelFormats = { rgbx: 2, cmyk: 11 };

/** A larger instance is not kept: WebAssembly cannot give memory back. */
const maxKeptBytes = 8 * 1024 * 1024;

/** A decoder goes over the whole picture once a scan; a dozen is usual. */
const maxScans = 100;

let kept: JpegTurbo | undefined;

/**
 * Opens a JPEG for libjpeg-turbo: accurate DCT and smooth upsampling, as Pillow and sharp have it.
 * It reduces by 2, 4 or 8 inside the DCT, so that the full picture is never computed.
 */
export function openJpeg(file: Uint8Array, programs: DecoderPrograms): OpenPicture | undefined {
  const header = readJpegHeader(file);
  if (!header) return undefined;
  return {
    ...header,
    memoryBytes(reduction) {
      const { width, height } = scaled(header, reduction);
      return file.length + header.coefficientBytes + width * height * 4;
    },
    decode: async (reduction) => decodeJpeg(file, await programs.jpeg(), header, reduction),
  };
}

/**
 * A new instance costs as much as decoding a small photo, so the last one is kept. After a failure
 * it is thrown away: a `longjmp`, which WebAssembly has not, leaves it in no known state.
 *
 * @throws Error for a file that libjpeg-turbo refuses, or decodes with a warning: one that is cut
 *   off would come out half grey, with a confident label
 */
function decodeJpeg(
  file: Uint8Array,
  program: DecoderProgram,
  header: JpegHeader,
  reduction: number,
): Picture {
  if (countScans(file) > maxScans) {
    throw new Error(`The JPEG has more than ${maxScans} scans.`);
  }
  const { width, height } = scaled(header, reduction);
  const turbo = kept ?? startJpegTurbo(program);
  // Until this picture has come out well.
  kept = undefined;
  const isCmyk = header.components === 4;
  const { samples, release } = decompress(turbo, file, width, height, isCmyk);
  if (isCmyk) cmykToRgbx(samples);
  if (turbo.memory.buffer.byteLength > maxKeptBytes) {
    return { width, height, channels: 4, data: samples };
  }
  // The next picture will overwrite these.
  const data = samples.slice();
  release();
  kept = turbo;
  return { width, height, channels: 4, data };
}

/** The size to ask libjpeg-turbo for, which rounds up. */
function scaled({ width, height }: JpegHeader, reduction: number): JpegSize {
  const divisor = [8, 4, 2].find((divisor) => divisor <= reduction) ?? 1;
  return { width: Math.ceil(width / divisor), height: Math.ceil(height / divisor) };
}

type JpegSize = Pick<JpegHeader, 'width' | 'height'>;

/** Counts the markers SOS, which no entropy-coded data can hold. */
function countScans(file: Uint8Array): number {
  let count = 0;
  let at = file.indexOf(0xff);
  while (at >= 0) {
    if (file[at + 1] === 0xda) count += 1;
    at = file.indexOf(0xff, at + 1);
  }
  return count;
}

/** @returns a view of the decoder's memory, RGBX or CMYK, valid until its release */
function decompress(
  turbo: JpegTurbo,
  file: Uint8Array,
  width: number,
  height: number,
  isCmyk: boolean,
): { readonly samples: Uint8Array; release(): void } {
  const fileAt = place(turbo, file);
  const pixelsAt = allocate(turbo, width * height * 4);
  const decompressor = turbo.tjInitDecompress();
  const format = isCmyk ? pixelFormats.cmyk : pixelFormats.rgbx;
  const status = turbo.tjDecompress2(
    decompressor,
    fileAt,
    file.length,
    pixelsAt,
    width,
    width * 4,
    height,
    format,
    0,
  );
  if (status !== 0) throw new Error(`libjpeg-turbo returned ${status}.`);
  return {
    samples: new Uint8Array(turbo.memory.buffer, pixelsAt, width * height * 4),
    release() {
      turbo.tjDestroy(decompressor);
      turbo.free(pixelsAt);
      turbo.free(fileAt);
    },
  };
}

function startJpegTurbo(program: DecoderProgram): JpegTurbo {
  const env = {
    setjmp: () => 0,
    longjmp() {
      throw new Error('libjpeg-turbo gave up.');
    },
  };
  return startDecoder(program, { env, wasi_snapshot_preview1: wasiStubs });
}

/** In place. Adobe's programs write CMYK inverted, 255 for no ink, and so does nearly everyone. */
function cmykToRgbx(samples: Uint8Array): void {
  for (let at = 0; at < samples.length; at += 4) {
    const black = samples[at + 3] as number;
    samples[at] = ((samples[at] as number) * black) / 255;
    samples[at + 1] = ((samples[at + 1] as number) * black) / 255;
    samples[at + 2] = ((samples[at + 2] as number) * black) / 255;
  }
}
