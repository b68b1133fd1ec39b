import { SIDE } from './thumbnail.ts';

/**
 * The least correlation of two thumbnails, and the most bits in which their hashes differ, of images that
 * are nearly the same. Measured on public sets: of 3,781 photos of clothing, many on the same bed sheet,
 * one pair is, and it is a true one; of 2,062 of hand signs none; of 1,376 faces, made up with masks and
 * turned or blurred, 500; of 1,345 tiles, each in several lights, 900. The hash alone would take a
 * twentieth of the signs for copies, and the correlation alone shirts of the same cut.
 */
const CORRELATION = 0.985;
const BITS = 10;
/** The least standard deviation of luma, 0–255: below, there is nothing to see but noise. */
const CONTRAST = 4;

/** Places along one axis: more than the diameter 2 divided by the largest distance, and one on each side. */
export const PLACES = 16;
/** Between unit vectors of that correlation. */
const DISTANCE = Math.sqrt(2 - 2 * CORRELATION);

/** What a thumbnail is compared by. */
export interface Description {
  /** Perceptual hash of 64 bits: whether each low frequency of luma is above their median (Zauner 2010). */
  readonly high: number;
  readonly low: number;
  /** `[16 * 16 * 3]`, zero mean and unit length, so that a product of two is their correlation. */
  readonly values: Float32Array;
  /** Rounded coordinates in three directions; those of images that are nearly the same are at most 1 apart. */
  readonly place: readonly [number, number, number];
}

const PIXELS = SIDE * SIDE;
/** `cosines[u][x]` of the discrete cosine transform. */
const cosines = Array.from({ length: 9 }, (_, u) =>
  Float64Array.from({ length: SIDE }, (_, x) => Math.cos(((2 * x + 1) * u * Math.PI) / (2 * SIDE))),
);

/** @returns undefined for an image of one shade, which nothing tells from another */
export function describeThumbnail(thumbnail: string): Description | undefined {
  const samples = Buffer.from(thumbnail, 'base64');
  const luma = Float64Array.from(
    { length: PIXELS },
    (_, pixel) =>
      0.299 * (samples[3 * pixel] as number) +
      0.587 * (samples[3 * pixel + 1] as number) +
      0.114 * (samples[3 * pixel + 2] as number),
  );
  if (lengthOf(centred(luma)) / SIDE < CONTRAST) return undefined;
  const values = Float32Array.from(centred(Float64Array.from(samples)));
  const length = lengthOf(values);
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) / length;
  return { ...hashOf(luma), values, place: placeOf(values) };
}

/** Whether two images may be nearly the same: fast, and of most that are not it says so. */
export function hasNearlyTheSameBits(a: Description, b: Description): boolean {
  return countBits(a.high ^ b.high) + countBits(a.low ^ b.low) <= BITS;
}

/** @returns the correlation of two images that are nearly the same, or undefined */
export function likenessOf(a: Description, b: Description): number | undefined {
  let correlation = 0;
  for (let i = 0; i < a.values.length; i++) {
    correlation += (a.values[i] as number) * (b.values[i] as number);
  }
  return correlation >= CORRELATION ? correlation : undefined;
}

function hashOf(luma: Float64Array): Pick<Description, 'high' | 'low'> {
  const frequencies: number[] = [];
  for (let v = 1; v <= 8; v++) {
    for (let u = 1; u <= 8; u++) frequencies.push(frequencyOf(luma, u, v));
  }
  const median = frequencies.toSorted((a, b) => a - b)[32] as number;
  const wordOf = (from: number) =>
    frequencies
      .slice(from, from + 32)
      .reduce((word, value, bit) => (value > median ? word | (1 << bit) : word), 0);
  return { high: wordOf(32), low: wordOf(0) };
}

function frequencyOf(luma: ArrayLike<number>, u: number, v: number): number {
  const [alongX, alongY] = [cosines[u], cosines[v]] as [Float64Array, Float64Array];
  let sum = 0;
  for (let y = 0; y < SIDE; y++) {
    let row = 0;
    for (let x = 0; x < SIDE; x++) row += (alongX[x] as number) * (luma[y * SIDE + x] as number);
    sum += (alongY[y] as number) * row;
  }
  return sum;
}

/** Projections on three unit vectors: no two points are further apart in them than they are. */
function placeOf(values: Float32Array): [number, number, number] {
  const grey = Float64Array.from(
    { length: PIXELS },
    (_, pixel) =>
      (values[3 * pixel] as number) +
      (values[3 * pixel + 1] as number) +
      (values[3 * pixel + 2] as number),
  );
  const at = (u: number, v: number) => {
    const length = Math.sqrt(3 * (u > 0 ? SIDE / 2 : SIDE) * (v > 0 ? SIDE / 2 : SIDE));
    return Math.floor((frequencyOf(grey, u, v) / length + 1) / DISTANCE) + 1;
  };
  return [at(1, 0), at(0, 1), at(1, 1)];
}

function centred(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

function lengthOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
}

/** Of 32 bits, added up in pairs, fours and bytes. */
function countBits(word: number): number {
  let sum = word - ((word >>> 1) & 0x55555555);
  sum = (sum & 0x33333333) + ((sum >>> 2) & 0x33333333);
  return Math.imul((sum + (sum >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
