import { nameAt, viewOf } from '../bytes.ts';

/** A larger profile is ignored; those of printers have up to three megabytes. */
export const maxProfileBytes = 3.5 * 1024 * 1024;

/** @see ICC.1:2022, 7.2 and 7.3 */
const [headerBytes, tagBytes] = [128, 12];

/** Red, green and blue of sRGB in XYZ with the white point D50, as in profiles. */
const srgbColorants: Readonly<Record<string, readonly number[]>> = {
  rXYZ: [0.4361, 0.2225, 0.0139],
  gXYZ: [0.3851, 0.7169, 0.0971],
  bXYZ: [0.1431, 0.0606, 0.7141],
};

/** Whether bytes are an ICC profile, damaged or not. */
export function isProfile(bytes: Uint8Array): boolean {
  return bytes.length >= headerBytes + 4 && nameAt(bytes, 36) === 'acsp';
}

/**
 * Whether a profile describes sRGB, as most do. Then nothing must be converted or loaded. A damaged
 * profile does not count.
 */
export function isSrgb(profile: Uint8Array): boolean {
  if (!isProfile(profile)) return false;
  const isGrey = nameAt(profile, 16) === 'GRAY';
  if (!isGrey && nameAt(profile, 16) !== 'RGB ') return false;
  // Tables take precedence over curves.
  if (findTag(profile, 'A2B0') || nameAt(profile, 20) !== 'XYZ ') return false;
  if (isGrey) return isSrgbCurve(findTag(profile, 'kTRC'));
  const hasColorants = Object.entries(srgbColorants).every(([name, xyz]) => {
    const tag = findTag(profile, name);
    const isNear = (value: number, i: number): boolean =>
      Math.abs((tag as DataView).getInt32(8 + i * 4) / 65536 - value) < 0.002;
    return tag && tag.byteLength >= 20 && xyz.every(isNear);
  });
  return hasColorants && ['rTRC', 'gTRC', 'bTRC'].every((n) => isSrgbCurve(findTag(profile, n)));
}

/** @returns the first tag with a name, from its type and four empty bytes on */
function findTag(profile: Uint8Array, name: string): DataView | undefined {
  const view = viewOf(profile);
  const count = Math.min(view.getUint32(headerBytes), 100);
  for (let i = 0; i < count; i++) {
    const at = headerBytes + 4 + i * tagBytes;
    if (at + tagBytes > profile.length) return undefined;
    if (nameAt(profile, at) !== name) continue;
    const tag = viewOf(profile, view.getUint32(at + 4), view.getUint32(at + 8));
    return tag.byteLength >= 12 ? tag : undefined;
  }
  return undefined;
}

/** Whether a curve differs from that of sRGB by less than a step of 8 bits. */
function isSrgbCurve(tag: DataView | undefined): boolean {
  const curve = tag && readCurve(tag);
  if (!curve) return false;
  return Array.from({ length: 33 }, (_, i) => i / 32).every(
    (encoded) => Math.abs(encodeSrgb(curve(encoded)) - encoded) < 1 / 255,
  );
}

/** @see ICC.1:2022, 10.6 and 10.18 */
function readCurve(tag: DataView): ((encoded: number) => number) | undefined {
  const type = tag.getUint32(0);
  if (type === parametric && tag.getUint16(8) === 3 && tag.byteLength >= 32) {
    const [g = 1, a = 1, b = 0, c = 0, d = 0] = [12, 16, 20, 24, 28].map(
      (at) => tag.getInt32(at) / 65536,
    );
    return (x) => (x >= d ? (a * x + b) ** g : c * x);
  }
  const count = tag.getUint32(8);
  if (type !== sampled || count < 2 || tag.byteLength < 12 + count * 2) return undefined;
  const sample = (i: number): number => tag.getUint16(12 + Math.min(i, count - 1) * 2) / 65535;
  return (x) => {
    const place = x * (count - 1);
    const i = Math.floor(place);
    return sample(i) + (sample(i + 1) - sample(i)) * (place - i);
  };
}

const parametric = 0x70617261;
const sampled = 0x63757276;

function encodeSrgb(linear: number): number {
  return linear <= 0.0031308 ? linear * 12.92 : 1.055 * linear ** (1 / 2.4) - 0.055;
}
