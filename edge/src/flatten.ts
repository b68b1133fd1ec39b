/**
 * Lays a picture over white, in place.
 *
 * @param rgba interleaved 8-bit samples, colour not multiplied by alpha
 */
export function flattenOverWhite(rgba: Uint8Array): void {
  for (let at = 0; at < rgba.length; at += 4) {
    const alpha = rgba[at + 3] as number;
    if (alpha === 255) continue;
    for (let channel = at; channel < at + 3; channel++) {
      rgba[channel] = Math.round(255 + (((rgba[channel] as number) - 255) * alpha) / 255);
    }
    rgba[at + 3] = 255;
  }
}
