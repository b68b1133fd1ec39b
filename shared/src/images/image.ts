/** A decoded image: interleaved 8-bit samples, row by row, `width * height * channels` of them. */
export interface Image {
  readonly width: number;
  readonly height: number;
  /** 3 is RGB. 4 is RGBX: transparency is already gone, and the fourth sample is ignored. */
  readonly channels: 3 | 4;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** What an image's samples mean. */
export interface Colours {
  /** 1 is grey, repeated in red, green and blue; 3 is RGB; 4 is CMYK, with 255 for no ink. */
  readonly components: 1 | 3 | 4;
  /** An ICC profile. One that is damaged or for other colours is ignored, as in browsers. */
  readonly profile?: Uint8Array | undefined;
  /** Whether the fourth sample of a decoded pixel is the alpha with which it was laid over white. */
  readonly hasAlpha?: boolean;
}

/** An image whose header has been read, and of which nothing is decoded yet. */
export interface OpenImage extends Colours {
  /** In pixels, as stored, before the orientation is applied. */
  readonly width: number;
  readonly height: number;
  /** The orientation of the stored image, 1–8 as in EXIF; 1 is upright. */
  readonly orientation: number;
  /**
   * The most memory that {@link OpenImage.decode} holds at a time, including its result.
   *
   * @param reduction as for {@link OpenImage.decode}
   */
  memoryBytes(reduction: number): number;
  /**
   * Decodes the image, or its first frame, and lays it over white, in its own colours.
   *
   * @param reduction the largest whole number by which the sides may be divided
   * @throws Error for a damaged file or a trap of WebAssembly
   */
  decode(reduction: number): Image | Promise<Image>;
}
