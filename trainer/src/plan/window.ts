/** TensorFlow's padding: whether windows reach over the edge. */
export type Padding = 'same' | 'valid';

/** Height and width after a window has moved over the input. */
export function windowedShape(
  [height, width]: readonly [height: number, width: number, ...rest: number[]],
  window: readonly [number, number],
  strides: readonly [number, number],
  padding: Padding,
): [height: number, width: number] {
  const side = (length: number, window: number, stride: number) =>
    Math.ceil((padding === 'same' ? length : length - window + 1) / stride);
  return [side(height, window[0], strides[0]), side(width, window[1], strides[1])];
}
