import type { Image } from 'shared/images/image';

/** Examples with labels, which are indices into `Dataset.labels`. */
export interface Labelled {
  /**
   * The label of the example at `index`. Of one with several labels, the one by which it is stratified: the
   * rarest; the number of labels where it has none.
   */
  label(index: number): number;
  /** All of its labels. Absent where each example has one label. */
  labels?(index: number): readonly number[];
}

/** The labels of chosen examples, or of the same examples with other inputs. */
export function labelsFrom(
  { label, labels }: Labelled,
  original: (index: number) => number = (index) => index,
): Labelled {
  return {
    label: (index) => label(original(index)),
    ...(labels && { labels: (index) => labels(original(index)) }),
  };
}

/** All labels of an example, of one label or several. */
export function allLabels(source: Labelled, index: number): readonly number[] {
  return source.labels?.(index) ?? [source.label(index)];
}

/** Images in a fixed order. */
export interface ImageSet extends Labelled {
  readonly length: number;
  /**
   * The image at `index`, `0 ≤ index < length`. It may share memory: do not write into it.
   *
   * @param size side of the network's input, for which a large image is reduced; by default that of
   *   the data set's options
   */
  image(index: number, size?: number): Image | Promise<Image>;
  /** Says which images will be asked for next, and for which size, so that they can be read meanwhile. */
  prefetch?(indices: readonly number[], size?: number): void;
  /** Of its file. Absent where an image has none of its own. */
  path?(index: number): string;
  /** Images of one group are copies, or nearly so. Absent where the data set has no copies. */
  group?(index: number): string;
  /**
   * The images before a person's decisions, which splits are drawn from: so a decision about one image moves
   * no other into another split. Absent where nothing is decided.
   */
  readonly drawnFrom?: DrawnFrom;
}

export interface DrawnFrom {
  readonly set: ImageSet;
  /** For each of these images its index among the decided ones; undefined where it is left out. */
  readonly places: readonly (number | undefined)[];
  /** Indices of decided images that are trained on whatever is drawn. */
  readonly added: readonly number[];
}

export interface Dataset {
  /** A short name for model cards and caches. */
  readonly id: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly train: ImageSet;
  /** Chooses the checkpoint; null where it must be drawn from `train`. */
  readonly validation: ImageSet | null;
  /** Used once, for the final accuracy; null where it must be drawn from `train`. */
  readonly test: ImageSet | null;
  /** SHA-256 of all pixels and labels, in hex: the same hash, the same data. */
  readonly hash: string;
  /** What its authors ask of its users, in one sentence. */
  readonly licence: string;
}

/** Whether an image may have any number of the labels. */
export function hasSeveralLabels({ train }: Pick<Dataset, 'train'>): boolean {
  return train.labels !== undefined;
}
