/** So many leave the share of the squared length that is kept as it is to the fourth digit. */
const ITERATIONS = 12;

/**
 * The directions that keep most of the squared length of some vectors: the leading eigenvectors of their second moment, by
 * orthogonal iteration (Golub and Van Loan, Matrix Computations, 8.2.4).
 *
 * @param moment `[width, width]`, to which {@link addToMoment} has added the vectors
 * @param count at most the width
 * @returns `[count, width]`, orthonormal
 */
export function principalDirections(
  moment: Float32Array,
  count: number,
): Float32Array<ArrayBuffer> {
  const width = Math.sqrt(moment.length);
  let directions = orthonormal(cosines(count, width));
  for (let step = 0; step < ITERATIONS; step++) {
    directions = orthonormal(directions.map((direction) => project(moment, direction)));
  }
  const all = new Float32Array(count * width);
  for (const [at, direction] of directions.entries()) all.set(direction, at * width);
  return all;
}

/**
 * @param directions `[n, width]`, row-major
 * @param vector `[width]`
 * @returns `[n]`, the product of the vector with each
 */
export function project(directions: Float32Array, vector: Float32Array): Float32Array {
  const width = vector.length;
  const products = new Float32Array(directions.length / width);
  let row = 0;
  // Four sums at a time, of which none waits for another.
  for (; row + 4 <= products.length; row += 4) {
    let [a, b, c, d] = [0, 0, 0, 0];
    let at = row * width;
    for (let i = 0; i < width; i++, at++) {
      const value = vector[i] as number;
      a += (directions[at] as number) * value;
      b += (directions[at + width] as number) * value;
      c += (directions[at + 2 * width] as number) * value;
      d += (directions[at + 3 * width] as number) * value;
    }
    products[row] = a;
    products[row + 1] = b;
    products[row + 2] = c;
    products[row + 3] = d;
  }
  for (; row < products.length; row++) {
    products[row] = dot(directions.subarray(row * width, (row + 1) * width), vector);
  }
  return products;
}

/**
 * Adds the products of vectors with themselves, so that these need not be in memory together.
 *
 * @param moment `[width, width]`
 * @param vectors of the width
 */
export function addToMoment(moment: Float32Array, vectors: readonly Float32Array[]): void {
  const width = Math.sqrt(moment.length);
  const count = vectors.length;
  // A channel of all vectors is a row.
  const channels = new Float32Array(width * count);
  for (const [at, vector] of vectors.entries()) {
    for (let row = 0; row < width; row++) channels[row * count + at] = vector[row] as number;
  }
  for (let row = 0; row < width; row++) {
    const channel = channels.subarray(row * count, (row + 1) * count);
    const products = project(channels, channel);
    for (let column = 0, at = row * width; column < width; column++, at++) {
      moment[at] = (moment[at] as number) + (products[column] as number);
    }
  }
}

/** Rows of the cosine transform, which no network's channels are alike. */
function cosines(count: number, width: number): Float32Array[] {
  return Array.from({ length: count }, (_, row) =>
    Float32Array.from({ length: width }, (_, column) =>
      Math.cos((Math.PI * (row + 0.5) * (column + 0.5)) / width),
    ),
  );
}

/** Modified Gram-Schmidt, in place. */
function orthonormal(rows: Float32Array[]): Float32Array[] {
  for (const [at, row] of rows.entries()) {
    for (let before = 0; before < at; before++) {
      const other = rows[before] as Float32Array;
      const along = dot(row, other);
      for (let i = 0; i < row.length; i++) {
        row[i] = (row[i] as number) - along * (other[i] as number);
      }
    }
    const norm = Math.sqrt(dot(row, row)) || 1;
    for (let i = 0; i < row.length; i++) row[i] = (row[i] as number) / norm;
  }
  return rows;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
