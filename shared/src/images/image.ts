/** A decoded image: interleaved 8-bit samples, row by row, `width * height * channels` of them. */
export interface Image {
  readonly width: number;
  readonly height: number;
  /** 3 is RGB. 4 is RGBA with the image already flattened: the fourth sample is ignored. */
  readonly channels: 3 | 4;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** How an image's samples are to be read. */
export interface Colours {
  /** 1 is grey, in each of red, green and blue; 3 RGB; 4 CMYK, 255 for no ink. */
  readonly components: 1 | 3 | 4;
  /** An ICC profile. Where it is damaged or of other colours, it is ignored, as browsers do. */
  readonly profile?: Uint8Array | undefined;
}

/** An image of which the header is read and nothing is decoded yet. */
export interface OpenImage extends Colours {
  /** In pixels, as stored: before the orientation is applied. */
  readonly width: number;
  readonly height: number;
  /** How to turn the stored image, 1–8 as in EXIF; 1 leaves it as it is. */
  readonly orientation: number;
  /**
   * The most memory that {@link OpenImage.decode} holds at a time, its result included.
   *
   * @param reduction as for {@link OpenImage.decode}
   */
  memoryBytes(reduction: number): number;
  /**
   * Decodes the image, or its first frame, and lays it over white, in its own colours.
   *
   * @param reduction by which whole number the sides may be divided at most
   * @throws Error for a damaged file, or a trap of WebAssembly
   */
  decode(reduction: number): Image | Promise<Image>;
}
