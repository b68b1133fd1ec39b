import type { Image } from './image.ts';

/**
 * Turns an image upright.
 *
 * @param orientation 1–8, which says on which sides the stored first row and column belong
 * @see CIPA DC-008 (Exif 2.32), 4.6.4, tag Orientation
 */
export function orient(image: Image, orientation: number): Image {
  if (orientation === 1) return image;
  const { width, height, channels, data } = image;
  const isTransposed = orientation >= 5;
  const isFlippedX = [2, 3, 7, 8].includes(orientation);
  const isFlippedY = [3, 4, 6, 7].includes(orientation);
  const [outWidth, outHeight] = isTransposed ? [height, width] : [width, height];
  const out = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      const [column, row] = isTransposed ? [y, x] : [x, y];
      const fromX = isFlippedX ? width - 1 - column : column;
      const fromY = isFlippedY ? height - 1 - row : row;
      const from = (fromY * width + fromX) * channels;
      for (let c = 0; c < channels; c++) out[to++] = data[from + c] as number;
    }
  }
  return { width: outWidth, height: outHeight, channels, data: out };
}
