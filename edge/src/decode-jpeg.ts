import jpegTurbo from '@cwasm/jpeg-turbo/jpeg-turbo.wasm';
import type { Picture } from 'shared/preprocess';
import type { PictureHeader } from './picture-header.ts';
import { type DecoderMemory, place, wasiStubs } from './wasm-decoder.ts';

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
const pixelFormats = { rgb: 0, cmyk: 11 };

/** A larger instance is not kept: WebAssembly cannot give memory back. */
const maxKeptBytes = 8 * 1024 * 1024;

let kept: JpegTurbo | undefined;

/**
 * Decodes with libjpeg-turbo: accurate DCT and smooth upsampling, as Pillow and sharp do.
 *
 * A new instance costs as much as decoding a small photo, so the last one is kept. After a failure
 * it is thrown away: a `longjmp`, which WebAssembly has not, leaves it in no known state.
 *
 * @returns RGB
 * @throws Error for a file that libjpeg-turbo refuses, or decodes with a warning: one that is cut
 *   off would come out half grey, with a confident label
 */
export function decodeJpeg(file: Uint8Array, header: PictureHeader): Picture {
  const { width, height, components } = header;
  const turbo = kept ?? startJpegTurbo();
  // Until this picture has come out well.
  kept = undefined;
  const isCmyk = components === 4;
  const { samples, release } = decompress(turbo, file, header, isCmyk);
  const isKept = turbo.memory.buffer.byteLength <= maxKeptBytes;
  // What the next picture will not overwrite needs no copy.
  const data = isCmyk ? cmykToRgb(samples) : isKept ? samples.slice() : samples;
  if (isKept) {
    release();
    kept = turbo;
  }
  return { width, height, channels: 3, data };
}

/** @returns a view of the decoder's memory, RGB or CMYK, valid until its release */
function decompress(
  turbo: JpegTurbo,
  file: Uint8Array,
  { width, height }: PictureHeader,
  isCmyk: boolean,
): { readonly samples: Uint8Array; release(): void } {
  const fileAt = place(turbo, file);
  const pitch = width * (isCmyk ? 4 : 3);
  const pixelsAt = turbo.malloc(pitch * height);
  const decompressor = turbo.tjInitDecompress();
  const format = isCmyk ? pixelFormats.cmyk : pixelFormats.rgb;
  const status = turbo.tjDecompress2(
    decompressor,
    fileAt,
    file.length,
    pixelsAt,
    width,
    pitch,
    height,
    format,
    0,
  );
  if (status !== 0) throw new Error(`libjpeg-turbo returned ${status}.`);
  return {
    samples: new Uint8Array(turbo.memory.buffer, pixelsAt, pitch * height),
    release() {
      turbo.tjDestroy(decompressor);
      turbo.free(pixelsAt);
      turbo.free(fileAt);
    },
  };
}

function startJpegTurbo(): JpegTurbo {
  const env = {
    setjmp: () => 0,
    longjmp() {
      throw new Error('libjpeg-turbo gave up.');
    },
  };
  const instance = new WebAssembly.Instance(jpegTurbo, {
    env,
    wasi_snapshot_preview1: wasiStubs,
  });
  return instance.exports as unknown as JpegTurbo;
}

/** Adobe's programs write CMYK inverted, 255 for no ink, and so does nearly everyone. */
function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let from = 0, to = 0; from < cmyk.length; from += 4) {
    const black = cmyk[from + 3] as number;
    rgb[to++] = ((cmyk[from] as number) * black) / 255;
    rgb[to++] = ((cmyk[from + 1] as number) * black) / 255;
    rgb[to++] = ((cmyk[from + 2] as number) * black) / 255;
  }
  return rgb;
}
