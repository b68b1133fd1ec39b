/** Why an image is not decoded; `overloaded` is temporary, the others are final. */
export type ImageErrorCode =
  | 'unsupported_image'
  | 'broken_image'
  | 'too_many_pixels'
  | 'overloaded';

/** The only error that decoding throws; it tells the sender what is wrong with the image. */
export class ImageError extends Error {
  readonly code: ImageErrorCode;

  /** @param message one sentence: what was expected, what was received, what to do */
  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImageError';
    this.code = code;
  }
}
