import type { Image } from './image.ts';

/**
 * The factor by which an image is reduced before it is resized: the largest whole number that leaves its
 * centred square at least twice as wide as the network's input. The antialiased resize then changes
 * probabilities by no more than a few thousandths (see the reduction test).
 *
 * @param size side of the network's input, in pixels
 */
export function reductionFor(width: number, height: number, size: number): number {
  const wanted = Math.floor(Math.min(width, height) / (2 * size));
  return Math.min(Math.max(wanted, 1), maxReduction);
}

/** Keeps the sum of a square, 255 × 255 × reduction², within 32 bits. */
const maxReduction = 256;

/** Receives the pixels of an image as they are decoded, in any order. */
export interface PixelSink {
  /**
   * @param rgba pixels of a row, or every `step`th of them, with colours not multiplied by alpha
   * @param x position of the first one
   */
  add(rgba: Uint8Array, y: number, x?: number, step?: number): void;
  /** Must be called once, after all pixels. @returns RGBX */
  finish(): Image;
}

/**
 * Lays pixels over white and averages squares of them, so that a large image is never in memory. The
 * remainder of a side is cut off at both ends.
 *
 * @param reduction side of a square, in pixels; 1 keeps every pixel
 */
export function createPixelSink(width: number, height: number, reduction: number): PixelSink {
  return reduction === 1
    ? createFullSink(width, height)
    : createReducingSink(width, height, reduction);
}

/** The memory of {@link createPixelSink}, including its result. */
export function sinkBytes(width: number, height: number, reduction: number): number {
  return Math.floor(width / reduction) * Math.floor(height / reduction) * (reduction > 1 ? 16 : 4);
}

function createFullSink(width: number, height: number): PixelSink {
  const data = new Uint8Array(width * height * 4);
  return {
    add(rgba, y, x = 0, step = 1) {
      let to = (y * width + x) * 4;
      // Nearly all pixels are opaque and arrive in whole rows.
      if (step === 1) data.set(rgba, to);
      for (let at = 0; at < rgba.length; at += 4, to += step * 4) {
        const alpha = rgba[at + 3] as number;
        if (alpha === 255) {
          if (step === 1) continue;
          data[to] = rgba[at] as number;
          data[to + 1] = rgba[at + 1] as number;
          data[to + 2] = rgba[at + 2] as number;
          continue;
        }
        for (let channel = 0; channel < 3; channel++) {
          data[to + channel] = Math.round(overWhite(rgba[at + channel] as number, alpha) / 255);
        }
      }
    },
    finish: () => ({ width, height, channels: 4, data }),
  };
}

/** @returns 0–65,025, so that sums are exact integers */
function overWhite(sample: number, alpha: number): number {
  return sample * alpha + 255 * (255 - alpha);
}

function createReducingSink(width: number, height: number, reduction: number): PixelSink {
  const outWidth = Math.floor(width / reduction);
  const outHeight = Math.floor(height / reduction);
  const left = (width - outWidth * reduction) >> 1;
  const top = (height - outHeight * reduction) >> 1;
  const sums = new Uint32Array(outWidth * outHeight * 3);
  return {
    add(rgba, y, x = 0, step = 1) {
      const row = Math.floor((y - top) / reduction);
      if (row < 0 || row >= outHeight) return;
      let at = 0;
      let from = x;
      for (; from < left && at < rgba.length; at += 4) from += step;
      while (at < rgba.length) {
        // This runs millions of times, so its state is in local variables.
        const column = Math.floor((from - left) / reduction);
        if (column >= outWidth) return;
        const end = left + (column + 1) * reduction;
        let red = 0;
        let green = 0;
        let blue = 0;
        for (; from < end && at < rgba.length; at += 4, from += step) {
          const alpha = rgba[at + 3] as number;
          const white = 255 * (255 - alpha);
          red += (rgba[at] as number) * alpha + white;
          green += (rgba[at + 1] as number) * alpha + white;
          blue += (rgba[at + 2] as number) * alpha + white;
        }
        const to = (row * outWidth + column) * 3;
        sums[to] = (sums[to] as number) + red;
        sums[to + 1] = (sums[to + 1] as number) + green;
        sums[to + 2] = (sums[to + 2] as number) + blue;
      }
    },
    finish() {
      const data = new Uint8Array(outWidth * outHeight * 4);
      const scale = 1 / (255 * reduction * reduction);
      for (let at = 0, to = 0; at < sums.length; at += 3, to += 4) {
        for (let channel = 0; channel < 3; channel++) {
          data[to + channel] = Math.round((sums[at + channel] as number) * scale);
        }
      }
      return { width: outWidth, height: outHeight, channels: 4, data };
    },
  };
}
