import type { DecoderPrograms } from './decoder-programs.ts';
import { isSrgb, maxProfileBytes } from './icc-profile.ts';
import type { Picture } from './preprocess.ts';
import { allocate, type DecoderMemory, startDecoder } from './wasm-decoder.ts';

/** The exports of decoders/lcms2/lcms2.c, which documents them. */
interface Lcms extends DecoderMemory {
  _initialize(): void;
  open(profile: number, length: number): number;
  convert(pixels: number, count: number): void;
}

/** How an image's samples are to be read. */
export interface Colours {
  /** 1 is grey, in each of red, green and blue; 3 RGB; 4 CMYK, 255 for no ink. */
  readonly components: 1 | 3 | 4;
  /** An ICC profile. Where it is damaged or of other colours, it is ignored, as browsers do. */
  readonly profile?: Uint8Array | undefined;
}

/** What Little CMS takes for it, as measured; its build sets a maximum of 16 MiB. */
export function conversionBytes({ profile }: Colours): number {
  return profile ? 2 * 1024 * 1024 + profile.length * 4 : 0;
}

/** That are converted at a time. */
const maxPixels = 16 * 1024;

/**
 * Converts an image's colours to sRGB, in place.
 *
 * This is done once an image is decoded, reduced and laid over white, for all formats alike: a JPEG is
 * reduced inside its decoder, so that no other order is the same for all, and there are few pixels left.
 *
 * @param picture of four channels
 * @param colours what its samples are
 * @returns RGBX
 */
export async function convertToSrgb(
  picture: Picture,
  { components, profile }: Colours,
  programs: DecoderPrograms,
): Promise<Picture> {
  const isUsed = profile && profile.length <= maxProfileBytes && !isSrgb(profile);
  const lcms = isUsed && openProfile(startDecoder(await programs.lcms2()), profile, components);
  if (lcms) convert(lcms, picture.data);
  else if (components === 4) cmykToRgbx(picture.data);
  return picture;
}

/** @returns undefined for a profile that cannot be used */
function openProfile(
  lcms: Lcms,
  profile: Uint8Array,
  components: Colours['components'],
): Lcms | undefined {
  lcms._initialize();
  const at = allocate(lcms, profile.length);
  new Uint8Array(lcms.memory.buffer).set(profile, at);
  const channels = lcms.open(at, profile.length);
  // Grey is also a colour of RGB.
  const fits = channels === components || (channels === 3 && components === 1);
  return fits ? lcms : undefined;
}

function convert(lcms: Lcms, samples: Uint8Array | Uint8ClampedArray): void {
  const pixelsAt = allocate(lcms, maxPixels * 4);
  for (let at = 0; at < samples.length; at += maxPixels * 4) {
    const part = samples.subarray(at, at + maxPixels * 4);
    const buffer = new Uint8Array(lcms.memory.buffer, pixelsAt, part.length);
    buffer.set(part);
    lcms.convert(pixelsAt, part.length / 4);
    part.set(buffer);
  }
}

/** As browsers and Pillow do it without a profile. */
function cmykToRgbx(samples: Uint8Array | Uint8ClampedArray): void {
  for (let at = 0; at < samples.length; at += 4) {
    const black = samples[at + 3] as number;
    for (let ink = at; ink < at + 3; ink++) {
      samples[ink] = Math.round(((samples[ink] as number) * black) / 255);
    }
  }
}
