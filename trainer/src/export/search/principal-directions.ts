import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../config/random.ts';
import type { Rows } from '../../evaluation/prototypes.ts';

/** So many leave the share of the squared length that is kept as it is to the fourth digit. */
const ITERATIONS = 12;

/**
 * The directions that keep most of the rows' squared length: the leading eigenvectors of their second moment, by
 * orthogonal iteration (Golub and Van Loan, Matrix Computations, 8.2.4).
 *
 * @param count at most the rows' width
 * @returns `[count, width]`, orthonormal
 */
export function principalDirections({ width, values }: Rows, count: number): Rows {
  const random = createRandom(1);
  const start = Float32Array.from({ length: count * width }, () => random.float() - 0.5);
  let directions = orthonormal(start, width);
  const moment = tf.tidy(() => {
    const rows = tf.tensor2d(values, [values.length / width, width]);
    return tf.matMul(rows, rows, true);
  });
  for (let step = 0; step < ITERATIONS; step++) {
    const product = tf.tidy(() =>
      tf.matMul(tf.tensor2d(directions, [count, width]), moment as tf.Tensor2D),
    );
    directions = orthonormal(product.dataSync<'float32'>(), width);
    product.dispose();
  }
  moment.dispose();
  return { width, values: directions };
}

/** @returns each row times each direction, `[rows, directions]` */
export function project(rows: Rows, directions: Rows): Rows {
  const { width } = rows;
  const count = directions.values.length / width;
  return {
    width: count,
    values: tf.tidy(() =>
      tf
        .matMul(
          tf.tensor2d(rows.values, [rows.values.length / width, width]),
          tf.tensor2d(directions.values, [count, width]),
          false,
          true,
        )
        .dataSync<'float32'>(),
    ),
  };
}

/** Modified Gram-Schmidt, over the rows. */
function orthonormal(values: Float32Array, width: number): Float32Array {
  const rows = Array.from({ length: values.length / width }, (_, at) =>
    Float64Array.from(values.subarray(at * width, (at + 1) * width)),
  );
  for (const [at, row] of rows.entries()) {
    for (const before of rows.slice(0, at)) {
      const along = dot(row, before);
      for (let i = 0; i < width; i++) row[i] = (row[i] as number) - along * (before[i] as number);
    }
    const norm = Math.sqrt(dot(row, row)) || 1;
    for (let i = 0; i < width; i++) row[i] = (row[i] as number) / norm;
  }
  const all = new Float32Array(values.length);
  for (const [at, row] of rows.entries()) all.set(row, at * width);
  return all;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
