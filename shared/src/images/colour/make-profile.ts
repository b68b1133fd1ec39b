import { viewOf } from '../bytes.ts';

/** Chromaticities, x and y of each. */
export interface Primaries {
  readonly red: readonly [number, number];
  readonly green: readonly [number, number];
  readonly blue: readonly [number, number];
  readonly white: readonly [number, number];
}

/**
 * The curve from a sample, 0–1, to light: `x >= d ? (a * x + b) ** g : c * x`, as g, a, b, c, d.
 *
 * @see ICC.1:2022, 10.18
 */
export type Curve = readonly [g: number, a: number, b: number, c: number, d: number];

type Vector = readonly [number, number, number];
type Matrix = readonly [Vector, Vector, Vector];

const d50: Vector = [0.9642, 1, 0.8249];

const bradford: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

/**
 * Makes an ICC profile from colours that an image describes by numbers, so that all colours are converted
 * in the same way.
 *
 * @returns undefined for primaries that span no colours
 * @see ICC.1:2022, 7, 8.3 and annex E
 */
export function makeProfile(primaries: Primaries, curve: Curve): Uint8Array | undefined {
  const columns = colorants(primaries);
  if (!columns) return undefined;
  const names = ['rXYZ', 'gXYZ', 'bXYZ', 'rTRC', 'gTRC', 'bTRC'];
  const curveAt = 128 + 4 + names.length * 12;
  const columnsAt = curveAt + 32;
  const profile = new Uint8Array(columnsAt + 3 * 20);
  const view = viewOf(profile);
  const write = (at: number, name: string): void => profile.set(new TextEncoder().encode(name), at);
  const writeFixed = (at: number, value: number): void =>
    view.setInt32(at, Math.round(value * 65536));
  view.setUint32(0, profile.length);
  view.setUint32(8, 0x04200000);
  for (const [at, name] of [
    [12, 'mntr'],
    [16, 'RGB '],
    [20, 'XYZ '],
    [36, 'acsp'],
    [curveAt, 'para'],
  ] as const) {
    write(at, name);
  }
  for (const [i, value] of d50.entries()) writeFixed(68 + i * 4, value);
  view.setUint32(128, names.length);
  for (const [i, name] of names.entries()) {
    const entry = 132 + i * 12;
    write(entry, name);
    view.setUint32(entry + 4, i < 3 ? columnsAt + i * 20 : curveAt);
    view.setUint32(entry + 8, i < 3 ? 20 : 32);
  }
  view.setUint16(curveAt + 8, 3);
  for (const [i, value] of curve.entries()) writeFixed(curveAt + 12 + i * 4, value);
  for (const [i, xyz] of columns.entries()) {
    write(columnsAt + i * 20, 'XYZ ');
    for (const [k, value] of xyz.entries()) writeFixed(columnsAt + i * 20 + 8 + k * 4, value);
  }
  return profile;
}

/** @returns XYZ of full red, green and blue, adapted to D50 */
function colorants({ red, green, blue, white }: Primaries): Vector[] | undefined {
  const toXyz = ([x, y]: readonly [number, number]): Vector => [x / y, 1, (1 - x - y) / y];
  const sources = [red, green, blue].map(toXyz) as unknown as Matrix;
  const whiteXyz = toXyz(white);
  const weights = solve(sources, whiteXyz);
  const cones = multiply(bradford, whiteXyz);
  const gains = multiply(bradford, d50).map((cone, i) => cone / (cones[i] as number));
  const adapted = sources.map((xyz, i) => {
    const scaled = xyz.map((value) => value * (weights[i] as number)) as unknown as Vector;
    const adaptedCones = multiply(bradford, scaled).map((cone, k) => cone * (gains[k] as number));
    return solve(transpose(bradford), adaptedCones as unknown as Vector);
  });
  return adapted.flat().every((value) => Math.abs(value) < 32_000) ? adapted : undefined;
}

function multiply(matrix: Matrix, vector: Vector): Vector {
  return matrix.map((row) => dot(row, vector)) as unknown as Vector;
}

function transpose([a, b, c]: Matrix): Matrix {
  return [0, 1, 2].map((i) => [a[i], b[i], c[i]]) as unknown as Matrix;
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** @returns the weights with which the columns sum up to a vector, by Cramer's rule; NaN without a solution */
function solve([a, b, c]: Matrix, vector: Vector): Vector {
  const volume = dot(a, cross(b, c));
  return [
    dot(vector, cross(b, c)) / volume,
    dot(a, cross(vector, c)) / volume,
    dot(a, cross(b, vector)) / volume,
  ];
}
