import { type Curve, makeProfile, type Primaries } from './make-profile.ts';

const d65 = [0.3127, 0.329] as const;
const c = [0.31, 0.316] as const;

export const srgb: Primaries = {
  red: [0.64, 0.33],
  green: [0.3, 0.6],
  blue: [0.15, 0.06],
  white: d65,
};
const smpte170: Primaries = {
  ...{ red: [0.63, 0.34], green: [0.31, 0.595] },
  ...{ blue: [0.155, 0.07], white: d65 },
};

/** @see ITU-T H.273, table 2 */
const primariesByCode: Readonly<Record<number, Primaries>> = {
  1: srgb,
  // Not stated.
  2: srgb,
  4: { red: [0.67, 0.33], green: [0.21, 0.71], blue: [0.14, 0.08], white: c },
  5: { red: [0.64, 0.33], green: [0.29, 0.6], blue: [0.15, 0.06], white: d65 },
  6: smpte170,
  7: smpte170,
  8: { red: [0.681, 0.319], green: [0.243, 0.692], blue: [0.145, 0.049], white: c },
  9: { red: [0.708, 0.292], green: [0.17, 0.797], blue: [0.131, 0.046], white: d65 },
  11: { red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06], white: [0.314, 0.351] },
  12: { red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06], white: d65 },
  22: { red: [0.63, 0.34], green: [0.295, 0.605], blue: [0.155, 0.077], white: d65 },
};

const srgbCurve: Curve = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045];

/** @see ITU-T H.273, table 3 */
const curveByCode: Readonly<Record<number, Curve>> = {
  2: srgbCurve,
  4: gamma(2.2),
  5: gamma(2.8),
  8: gamma(1),
  13: srgbCurve,
};

export function gamma(exponent: number): Curve {
  return [exponent, 1, 0, 0, 0];
}

/** BT.709 and others with its curve, for which screens use another curve, that of BT.1886. */
const videoCodes = [1, 6, 14, 15];

/**
 * Makes an ICC profile from the colour codes of AVIF and PNG.
 *
 * @param isVideo whether a code for the curve of video means that curve. In AVIF it rarely does, so
 *   browsers use the curve of sRGB there, but not in PNG.
 * @returns undefined for an unknown code, or one for HDR (PQ, HLG)
 * @see ITU-T H.273, 8.1 and 8.2
 */
export function profileOfCodes(
  primaries: number,
  transfer: number,
  isVideo: boolean,
): Uint8Array | undefined {
  const space = primariesByCode[primaries];
  const video = isVideo ? gamma(2.4) : srgbCurve;
  const curve = videoCodes.includes(transfer) ? video : curveByCode[transfer];
  return space && curve && makeProfile(space, curve);
}
