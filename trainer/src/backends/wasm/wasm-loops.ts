// Loops over the memory of NHWC tensors. Each writes every value of `out`.

type Shape4D = readonly [batch: number, height: number, width: number, channels: number];
type Pair = readonly [vertical: number, horizontal: number];

/** How a convolution's kernel moves over its input. */
export interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  /** Rows above and columns left of the input that count as zeros. */
  readonly pad: Pair;
  readonly output: Pair;
}

const TILE = 16;

/** `[rows, columns]` to `[columns, rows]`, in tiles that stay in the cache. */
export function transpose(
  from: Float32Array,
  out: Float32Array,
  rows: number,
  columns: number,
): void {
  for (let rowTile = 0; rowTile < rows; rowTile += TILE) {
    const rowEnd = Math.min(rowTile + TILE, rows);
    for (let column = 0; column < columns; column++) {
      for (let row = rowTile; row < rowEnd; row++) {
        out[column * rows + row] = from[row * columns + column] as number;
      }
    }
  }
}

/** Puts `strides − 1` zeros between neighbours. */
export function spread(
  from: Float32Array,
  out: Float32Array,
  [batch, height, width, channels]: Shape4D,
  [strideY, strideX]: Pair,
): void {
  const outHeight = (height - 1) * strideY + 1;
  const outWidth = (width - 1) * strideX + 1;
  out.fill(0);
  for (let n = 0; n < batch; n++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const source = ((n * height + y) * width + x) * channels;
        const target = ((n * outHeight + y * strideY) * outWidth + x * strideX) * channels;
        copy(from, source, out, target, channels);
      }
    }
  }
}

/** The input under the kernel at each position of the output, one row a position (im2col). */
export function unfold(
  from: Float32Array,
  out: Float32Array,
  [batch, height, width, channels]: Shape4D,
  { kernel, strides, pad, output }: Window,
): void {
  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let outY = 0; outY < output[0]; outY++) {
      for (let outX = 0; outX < output[1]; outX++) {
        for (let tapY = 0; tapY < kernel[0]; tapY++) {
          const y = outY * strides[0] + tapY - pad[0];
          for (let tapX = 0; tapX < kernel[1]; tapX++) {
            const x = outX * strides[1] + tapX - pad[1];
            if (y < 0 || y >= height || x < 0 || x >= width) out.fill(0, at, at + channels);
            else copy(from, ((n * height + y) * width + x) * channels, out, at, channels);
            at += channels;
          }
        }
      }
    }
  }
}

/** A depthwise convolution's gradient with respect to its kernel, `[height, width, channels, 1]`. */
export function depthwiseFilterGradient(
  input: Float32Array,
  gradient: Float32Array,
  out: Float32Array,
  [batch, height, width, channels]: Shape4D,
  [, outHeight, outWidth]: Shape4D,
  { kernel, strides, pad }: Window,
): void {
  // In double precision, since a kernel's value is a sum over the whole batch.
  const sums = new Float64Array(out.length);
  for (let n = 0; n < batch; n++) {
    for (let outY = 0; outY < outHeight; outY++) {
      for (let tapY = 0; tapY < kernel[0]; tapY++) {
        const y = outY * strides[0] + tapY - pad[0];
        if (y < 0 || y >= height) continue;
        for (let outX = 0; outX < outWidth; outX++) {
          const gradientAt = ((n * outHeight + outY) * outWidth + outX) * channels;
          for (let tapX = 0; tapX < kernel[1]; tapX++) {
            const x = outX * strides[1] + tapX - pad[1];
            if (x < 0 || x >= width) continue;
            const inputAt = ((n * height + y) * width + x) * channels;
            const sumAt = (tapY * kernel[1] + tapX) * channels;
            for (let c = 0; c < channels; c++) {
              sums[sumAt + c] =
                (sums[sumAt + c] as number) +
                (input[inputAt + c] as number) * (gradient[gradientAt + c] as number);
            }
          }
        }
      }
    }
  }
  out.set(sums);
}

/**
 * The gradient where the ReLU's output is positive, else 0. It multiplies, since an unpredictable
 * branch takes six times as long.
 */
export function openRelu(gradient: Float32Array, value: Float32Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) {
    out[i] = (gradient[i] as number) * Number((value[i] as number) > 0);
  }
}

/** The same for ReLU6, whose gradient is 0 above 6 as well. */
export function openRelu6(gradient: Float32Array, value: Float32Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) {
    const y = value[i] as number;
    out[i] = (gradient[i] as number) * Number(y > 0) * Number(y < 6);
  }
}

function copy(
  from: Float32Array,
  source: number,
  out: Float32Array,
  target: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) out[target + i] = from[source + i] as number;
}
