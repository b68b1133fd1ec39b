/** A `WebAssembly.Module`, whose type TypeScript has only among those of browsers. */
export type DecoderProgram = object;

/**
 * The decoders' compiled programs, which each host loads in its own way: the Worker imports the
 * `.wasm` files, Node reads them. Each is loaded with the first image that needs it.
 */
export interface DecoderPrograms {
  jpeg(): Promise<DecoderProgram>;
  webp(): Promise<DecoderProgram>;
  dav1d(): Promise<DecoderProgram>;
  /** PNG and GIF. */
  rows(): Promise<DecoderProgram>;
  /** Averages the pixels of large images, of all formats but JPEG and plain WebP. */
  reduce(): Promise<DecoderProgram>;
  /** Colour profiles. */
  lcms2(): Promise<DecoderProgram>;
}
