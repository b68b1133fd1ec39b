/** Why an image is not decoded; `overloaded` is over in a moment, the others never. */
export type ImageErrorCode =
  | 'unsupported_image'
  | 'broken_image'
  | 'too_many_pixels'
  | 'overloaded';

/** What is wrong with an image, for whoever sent it: the only error that a decode throws. */
export class ImageError extends Error {
  readonly code: ImageErrorCode;

  /** @param message one sentence: what was expected, what came, what to do */
  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImageError';
    this.code = code;
  }
}
