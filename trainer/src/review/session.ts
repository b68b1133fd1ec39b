import type { ActivationMap } from 'shared/inference/graph/class-activation';
import type { DecidedImage, Decision, Verdict } from '../datasets/decisions/decisions.ts';
import { TrainerError } from '../errors.ts';
import { type FeedbackImage, readFeedback } from './feedback.ts';
import type { Mistake } from './finding/find-mistakes.ts';
import type { LabelError } from './finding/label-errors.ts';
import { labelProduced, namesIn } from './label-produced.ts';
import type { Review, ReviewedImage } from './open-review.ts';

/** An image as the page lists it. */
export interface PageImage {
  readonly file: string;
  /** Absent for an image from production. */
  readonly split?: string;
  readonly labels: readonly number[] | null;
  /**
   * The most probable classes, the most probable first, with their probabilities; where an image may have several
   * labels, those whose presence or absence is the least probable, the least first.
   */
  readonly top: readonly (readonly [label: number, probability: number | null])[];
  /** Of an image from production, the labels that the model gave it. */
  readonly given?: readonly number[];
  readonly verdict: Verdict | null;
}

/** A list of images to look at, the most important first. */
export interface PageList {
  readonly kind: string;
  /** In one sentence. */
  readonly about: string;
  readonly entries: readonly {
    readonly image: number;
    readonly of?: number;
    /** What the parts speak for that `map/<image>` shows. */
    readonly mapOf?: string;
    readonly note: string;
  }[];
}

export interface PageData {
  readonly folder: string;
  readonly labels: readonly string[];
  /** Whether an image may have several of them. */
  readonly isMultiLabel: boolean;
  readonly images: readonly PageImage[];
  readonly lists: readonly PageList[];
  readonly thin: readonly { readonly label: number; readonly images: number }[];
}

const SHOWN_CLASSES = 5;

/** A review that goes on: its images, its lists, and what is decided about them. */
export class ReviewSession {
  readonly #review: Review;
  readonly #feedback: readonly FeedbackImage[];
  /** Of the images of the folder and then of those from production. */
  readonly #all: readonly (DecidedImage & { readonly path: string })[];
  readonly #find: (image: DecidedImage) => Decision | undefined;
  /** Decisions are written one at a time. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(review: Review, feedback: readonly FeedbackImage[]) {
    this.#review = review;
    this.#feedback = feedback;
    this.#all = [...review.images, ...feedback];
    this.#find = review.decisions.finder(this.#all);
  }

  static async open(review: Review): Promise<ReviewSession> {
    const known = new Set(review.images.map(({ sha256 }) => sha256));
    const feedback = await readFeedback(review.folder);
    // What is in the folder has its label already.
    return new ReviewSession(
      review,
      feedback.filter(({ sha256 }) => !known.has(sha256)),
    );
  }

  /** Path and hash of an image. */
  image(index: number): { readonly path: string; readonly sha256: string } | undefined {
    return this.#all[index];
  }

  /** What speaks for a mistaken prediction; undefined for other images. */
  mapOf(index: number): ActivationMap | undefined {
    return this.#review.mistakes.find((mistake) => mistake.index === index)?.map;
  }

  data(): PageData {
    const { folder, labels, isMultiLabel, thinClasses } = this.#review;
    const images = [...this.#review.images.entries()].map(([at, image]) =>
      this.#pageImage(image, at),
    );
    const produced = this.#feedback.map((image) => this.#feedbackPageImage(image));
    return {
      ...{ folder, labels, isMultiLabel },
      thin: thinClasses,
      images: [...images, ...produced],
      lists: this.#lists(images),
    };
  }

  #pageImage(image: ReviewedImage, at: number): PageImage {
    const { isMultiLabel } = this.#review;
    const row = this.#probabilitiesOf(at);
    const interest = (one: number) =>
      isMultiLabel ? -probabilityOf(image, one, row) : (row[one] as number);
    const order = [...row.keys()].sort((a, b) => interest(b) - interest(a));
    const { file, labels, split } = image;
    return {
      ...{ file, labels, split },
      top: order.slice(0, SHOWN_CLASSES).map((one) => [one, round(row[one] as number)] as const),
      verdict: this.#verdict(image),
    };
  }

  #probabilitiesOf(at: number): Float32Array {
    const { labels, probabilities } = this.#review;
    return probabilities.subarray(at * labels.length, (at + 1) * labels.length);
  }

  /** Of the image's label; of several, of that whose presence or absence is the least probable. */
  #certaintyOf(image: ReviewedImage, at: number): number {
    const row = this.#probabilitiesOf(at);
    const asked = this.#review.isMultiLabel ? [...row.keys()] : image.labels;
    return Math.min(...asked.map((label) => probabilityOf(image, label, row)));
  }

  #feedbackPageImage(image: FeedbackImage): PageImage {
    const { labels, isMultiLabel } = this.#review;
    const indexOf = (name: string) => labels.indexOf(name);
    const given = (image.labels ?? [image.predicted]).map(indexOf).filter((one) => one >= 0);
    const top = new Map<number, number | null>(isMultiLabel ? given.map((one) => [one, null]) : []);
    top.set(indexOf(image.predicted), round(image.probability));
    const said = image.suggested === undefined ? -1 : indexOf(image.suggested);
    top.delete(-1);
    const first = said < 0 ? [] : [[said, 1] as const];
    return {
      ...{ file: image.file, labels: null, given, verdict: this.#verdict(image) },
      top: [...first, ...[...top].filter(([one]) => one !== said)],
    };
  }

  #verdict(image: DecidedImage): Verdict | null {
    const decision = this.#find(image);
    if (!decision) return null;
    const { file: _, sha256: __, ...verdict } = decision;
    return verdict;
  }

  #lists(images: readonly PageImage[]): PageList[] {
    const { labelErrors, likelyErrors, duplicates, mistakes, outliers, labels } = this.#review;
    const { isMultiLabel } = this.#review;
    const nameOf = (label: number) => labels[label] as string;
    const first = this.#review.images.length;
    const certainties = this.#review.images.map((image, at) => this.#certaintyOf(image, at));
    const has = (image: number, label: number) => images[image]?.labels?.includes(label);
    const errorIn = ({ index, suggested }: LabelError) => {
      if (!isMultiLabel) return `looks like ${nameOf(suggested)}`;
      return `${has(index, suggested) ? 'seems not to be' : 'seems to be also'} ${nameOf(suggested)}`;
    };
    const mistakeIn = ({ index, predicted, probability }: Mistake) => {
      const isMissed = isMultiLabel && has(index, predicted);
      return `the model ${isMissed ? 'misses' : 'says'} ${nameOf(predicted)}, ${percent(probability)}`;
    };
    const list = (kind: string, about: string, entries: PageList['entries']): PageList => ({
      ...{ kind, about, entries },
    });
    return [
      list(
        'from production',
        `Images that your Worker kept, the most doubtful first; a label copies one ${this.#review.labelFile === undefined ? 'into its class folder' : 'beside the others, and lists it'}.`,
        this.#feedback.map(({ predicted, probability, score, suggested }, at) => ({
          image: first + at,
          note: [
            suggested === undefined ? [] : `a user says ${suggested}`,
            `predicted ${predicted}, ${percent(probability)}`,
            score === undefined ? [] : `score ${score.toFixed(2)}`,
          ]
            .flat()
            .join('; '),
        })),
      ),
      list(
        'label errors',
        `Images that seem to have ${isMultiLabel ? 'other labels' : 'another label'}, the likeliest errors first; about ${likelyErrors} are errors.`,
        labelErrors.map((error) => ({ image: error.index, note: errorIn(error) })),
      ),
      list(
        'near-duplicates',
        'Images that look the same and have different labels, or are in two of training, validation and test images.',
        duplicates.map(({ index, of, similarity }) => ({
          image: index,
          of,
          note: `${percent(similarity)} like ${images[of]?.file}`,
        })),
      ),
      list(
        'confident mistakes',
        'Validation and test images that the model gets wrong, the most confident first.',
        mistakes.map((mistake) => ({
          image: mistake.index,
          ...(mistake.map && { mapOf: nameOf(mistake.predicted) }),
          note: mistakeIn(mistake),
        })),
      ),
      list(
        'outliers',
        'Images that look like none of the others.',
        outliers.map(({ index }) => ({ image: index, note: 'unlike all other images' })),
      ),
      list(
        'all images',
        `Every image, the least certain of its ${isMultiLabel ? 'labels' : 'label'} first.`,
        [...certainties.keys()]
          .sort((a, b) => (certainties[a] as number) - (certainties[b] as number))
          .map((image) => ({ image, note: '' })),
      ),
    ];
  }

  /**
   * Decides about an image, or takes that back, and writes the decisions. A label of an image from production
   * copies it into the folder of the class, or beside the others and into the label file.
   *
   * @returns the verdict before
   * @throws TrainerError `config_invalid` for no image or class of the folder, `disk_full`, `not_writable`
   */
  decide(index: number, verdict: Verdict | null): Promise<Verdict | null> {
    const work = this.#writing.then(() => this.#decide(index, verdict));
    this.#writing = work.then(
      () => {},
      () => {},
    );
    return work;
  }

  async #decide(index: number, verdict: Verdict | null): Promise<Verdict | null> {
    const { decisions, labels, images } = this.#review;
    const image = this.#all[index];
    if (!image) throw refused(`an image below ${this.#all.length}`, `${index}`);
    const other = namesIn(verdict)?.find((name) => !labels.includes(name));
    if (other !== undefined) throw refused('a class of the folder', other);
    const known = this.#find(image);
    const before = this.#verdict(image);
    if (index >= images.length) await labelProduced(this.#review, image, before, verdict);
    // A renamed image has a decision under its former name.
    if (known) decisions.set(known, undefined);
    decisions.set(image, verdict ?? undefined);
    await decisions.write();
    return before;
  }
}

/** That the image has the label, or has it not, as is said of it. */
function probabilityOf({ labels }: ReviewedImage, label: number, row: Float32Array): number {
  const probability = row[label] as number;
  return labels.includes(label) ? probability : 1 - probability;
}

function refused(expected: string, got: string): TrainerError {
  return new TrainerError('config_invalid', `Expected ${expected}, but got ${got}.`);
}

function round(probability: number): number {
  return Math.round(1000 * probability) / 1000;
}

function percent(fraction: number): string {
  return `${Math.round(100 * fraction)} %`;
}
