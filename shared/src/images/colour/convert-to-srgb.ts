import type { DecoderProgram, DecoderPrograms } from '../decoder-programs.ts';
import type { Colours, Image } from '../image.ts';
import { layOverWhite } from '../reduce/pixel-sink.ts';
import { allocate, type DecoderMemory, maxKeptBytes, startDecoder } from '../wasm-decoder.ts';
import { isSrgb, maxProfileBytes } from './icc-profile.ts';

/** The exports of decoders/lcms2/lcms2.c, which documents them. */
interface Lcms extends DecoderMemory {
  _initialize(): void;
  open(profile: number, length: number): number;
  convert(pixels: number, count: number): void;
  version(): number;
}

/** Memory of the conversion, as measured. Beyond the maximum of the build, the profile is ignored. */
export function conversionBytes({ profile }: Colours): number {
  return profile ? Math.min(2 * 1024 * 1024 + profile.length * 4, maxBytes) : 0;
}

const maxBytes = 16 * 1024 * 1024;

/** Pixels that are converted at a time. */
const maxPixels = 16 * 1024;

/** Little CMS with a profile that it has prepared. */
interface Converter {
  readonly profile: Uint8Array;
  readonly lcms: Lcms;
  /** 0 for an unusable profile. */
  readonly channels: number;
  readonly pixelsAt: number;
}

let kept: Converter | undefined;

/**
 * Converts an image's colours to sRGB, in place.
 *
 * This happens after an image is decoded, reduced and laid over white. A JPEG is reduced inside its
 * decoder, so no other order is the same for all formats; and then there are few pixels to convert. Colours
 * with alpha are taken off white and laid over it again: white and the mixture are those of sRGB, as in
 * browsers and Pillow.
 *
 * @param image of four channels
 * @param colours what its samples mean
 * @returns RGBX
 */
export async function convertToSrgb(
  image: Image,
  { components, profile, hasAlpha = false }: Colours,
  programs: DecoderPrograms,
): Promise<Image> {
  const isUsed = profile && profile.length <= maxProfileBytes && !isSrgb(profile);
  const converter = isUsed && (await prepare(profile, programs));
  if (converter && isFor(converter, components)) convert(converter, image.data, hasAlpha);
  else if (components === 4) cmykToRgbx(image.data);
  return image;
}

/** A profile for RGB also fits grey. */
function isFor({ channels }: Converter, components: Colours['components']): boolean {
  return channels === components || (channels === 3 && components === 1);
}

/** Kept, since preparing a profile takes as long as many pixels, and a camera's photos share one. */
async function prepare(profile: Uint8Array, programs: DecoderPrograms): Promise<Converter> {
  if (kept && isEqual(kept.profile, profile)) return kept;
  const lcms = startDecoder<Lcms>(await programs.lcms2());
  lcms._initialize();
  const pixelsAt = allocate(lcms, maxPixels * 4);
  const at = allocate(lcms, profile.length);
  new Uint8Array(lcms.memory.buffer).set(profile, at);
  const converter = {
    // A copy, so that the profile does not keep a large file in memory.
    profile: profile.slice(),
    lcms,
    channels: open(lcms, at, profile.length),
    pixelsAt,
  };
  kept = lcms.memory.buffer.byteLength > maxKeptBytes ? undefined : converter;
  return converter;
}

/** After a trap, as for lack of memory, the profile counts as unusable. */
function open(lcms: Lcms, at: number, length: number): number {
  try {
    return lcms.open(at, length);
  } catch {
    return 0;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function convert({ lcms, pixelsAt }: Converter, samples: Image['data'], hasAlpha: boolean): void {
  for (let at = 0; at < samples.length; at += maxPixels * 4) {
    const part = samples.subarray(at, at + maxPixels * 4);
    if (hasAlpha) forTransparent(part, takeOffWhite);
    const buffer = new Uint8Array(lcms.memory.buffer, pixelsAt, part.length);
    buffer.set(part);
    // The fourth sample stays as it is.
    lcms.convert(pixelsAt, part.length / 4);
    part.set(buffer);
    if (hasAlpha) forTransparent(part, layOverWhite);
  }
}

function forTransparent(
  samples: Image['data'],
  change: (samples: Image['data'], at: number) => void,
): void {
  for (let at = 0; at < samples.length; at += 4) if (samples[at + 3] !== 255) change(samples, at);
}

function takeOffWhite(samples: Image['data'], at: number): void {
  const alpha = samples[at + 3] as number;
  for (let channel = at; channel < at + 3 && alpha > 0; channel++) {
    const sample = 255 - ((255 - (samples[channel] as number)) * 255) / alpha;
    samples[channel] = Math.max(0, Math.round(sample));
  }
}

/** As browsers and Pillow convert CMYK without a profile. */
function cmykToRgbx(samples: Image['data']): void {
  for (let at = 0; at < samples.length; at += 4) {
    const black = samples[at + 3] as number;
    for (let ink = at; ink < at + 3; ink++) {
      samples[ink] = Math.round(((samples[ink] as number) * black) / 255);
    }
  }
}

/** The library's version, as in 2190 for 2.19. */
export function lcms2Version(program: DecoderProgram): number {
  return startDecoder<Lcms>(program).version();
}
