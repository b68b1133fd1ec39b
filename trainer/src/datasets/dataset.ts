import type { Image } from 'shared/images/image';

/** Images with one label each, in a fixed order. */
export interface ImageSet {
  readonly length: number;
  /**
   * The image at `index`, `0 ≤ index < length`. It may share memory: do not write into it.
   *
   * @param size side of the network's input that a large image comes reduced for; that of the data
   *   set's options where left out
   */
  image(index: number, size?: number): Image | Promise<Image>;
  /** Says which images will be asked for next, and for which size, so that they can be read meanwhile. */
  expect?(indices: readonly number[], size?: number): void;
  /** Its label, an index into `Dataset.labels`. */
  label(index: number): number;
  /** Of its bytes: those with the same are copies. Absent where there are none to speak of. */
  hash?(index: number): string;
}

export interface Dataset {
  /** A short name for model cards and caches. */
  readonly id: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly train: ImageSet;
  /** Chooses the checkpoint; null where it is to be drawn from `train`. */
  readonly validation: ImageSet | null;
  /** Seen once, for the final number; null where it is to be drawn from `train`. */
  readonly test: ImageSet | null;
  /** SHA-256 of all pixels and labels, in hex: the same hash, the same data. */
  readonly hash: string;
  /** What its makers ask of its users, in a sentence. */
  readonly licence: string;
}
