import { copyFile, rm } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { ActivationMap } from 'shared/inference/graph/class-activation';
import { decidedImage } from '../datasets/decisions/apply-decisions.ts';
import type { DecidedImage, Decision, Verdict } from '../datasets/decisions/decisions.ts';
import { TrainerError } from '../errors.ts';
import { writingFailed } from '../files/write-atomically.ts';
import { type FeedbackImage, readFeedback } from './feedback.ts';
import type { Review, ReviewedImage } from './open-review.ts';

/** An image as the page lists it. */
export interface PageImage {
  readonly file: string;
  /** Absent for an image from production. */
  readonly split?: string;
  readonly label: number | null;
  /** The most probable classes, the most probable first, with their probabilities. */
  readonly top: readonly (readonly [label: number, probability: number])[];
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
    const { folder, labels, thinClasses } = this.#review;
    const images = [...this.#review.images.entries()].map(([at, image]) =>
      this.#pageImage(image, at),
    );
    const produced = this.#feedback.map((image) => this.#feedbackPageImage(image));
    return {
      ...{ folder, labels },
      thin: thinClasses,
      images: [...images, ...produced],
      lists: this.#lists(images),
    };
  }

  #pageImage(image: ReviewedImage, at: number): PageImage {
    const { labels, probabilities } = this.#review;
    const row = probabilities.subarray(at * labels.length, (at + 1) * labels.length);
    const order = [...row.keys()].sort((a, b) => (row[b] as number) - (row[a] as number));
    const { file, label, split } = image;
    return {
      ...{ file, label, split },
      top: order.slice(0, SHOWN_CLASSES).map((one) => [one, round(row[one] as number)] as const),
      verdict: this.#verdict(image),
    };
  }

  #feedbackPageImage(image: FeedbackImage): PageImage {
    const { labels } = this.#review;
    const said = image.suggested === undefined ? -1 : labels.indexOf(image.suggested);
    const predicted = labels.indexOf(image.predicted);
    const top = [
      ...(said >= 0 ? [[said, 1] as const] : []),
      ...(predicted >= 0 && predicted !== said
        ? [[predicted, round(image.probability)] as const]
        : []),
    ];
    return { file: image.file, label: null, top, verdict: this.#verdict(image) };
  }

  #verdict(image: DecidedImage): Verdict | null {
    const decision = this.#find(image);
    if (!decision) return null;
    const { file: _, sha256: __, ...verdict } = decision;
    return verdict;
  }

  #lists(images: readonly PageImage[]): PageList[] {
    const { labelErrors, likelyErrors, duplicates, mistakes, outliers, labels } = this.#review;
    const nameOf = (label: number) => labels[label] as string;
    const first = this.#review.images.length;
    const selfConfidence = images.map(({ top, label }) =>
      Math.max(0, ...top.filter(([one]) => one === label).map(([, probability]) => probability)),
    );
    const list = (kind: string, about: string, entries: PageList['entries']): PageList => ({
      ...{ kind, about, entries },
    });
    return [
      list(
        'from production',
        'Images that your Worker kept, the most doubtful first; a label copies one into its class folder.',
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
        `Images that look like another class, the likeliest errors first; about ${likelyErrors} are errors.`,
        labelErrors.map(({ index, suggested }) => ({
          image: index,
          note: `looks like ${nameOf(suggested)}`,
        })),
      ),
      list(
        'near-duplicates',
        'Images that look the same in two classes, or in two of training, validation and test images.',
        duplicates.map(({ index, of, similarity }) => ({
          image: index,
          of,
          note: `${percent(similarity)} like ${images[of]?.file}`,
        })),
      ),
      list(
        'confident mistakes',
        'Validation and test images that the model gets wrong, the most confident first.',
        mistakes.map(({ index, predicted, probability, map }) => ({
          image: index,
          ...(map && { mapOf: nameOf(predicted) }),
          note: `the model says ${nameOf(predicted)}, ${percent(probability)}`,
        })),
      ),
      list(
        'outliers',
        'Images that look like none of the others.',
        outliers.map(({ index }) => ({ image: index, note: 'unlike all other images' })),
      ),
      list(
        'all images',
        'Every image, the least certain of its label first.',
        [...images.keys()]
          .sort((a, b) => (selfConfidence[a] as number) - (selfConfidence[b] as number))
          .map((image) => ({ image, note: '' })),
      ),
    ];
  }

  /**
   * Decides about an image, or takes that back, and writes the decisions. A label of an image from production
   * copies it into the folder of the class.
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
    if (verdict?.decision === 'move' && !labels.includes(verdict.to)) {
      throw refused('a class of the folder', verdict.to);
    }
    const known = this.#find(image);
    const before = this.#verdict(image);
    if (index >= images.length) await this.#label(image, before, verdict);
    // A renamed image has a decision under its former name.
    if (known) decisions.set(known, undefined);
    decisions.set(image, verdict ?? undefined);
    await decisions.write();
    return before;
  }

  /** Copies an image from production into a class's folder, or takes the copy back. */
  async #label(
    image: DecidedImage & { readonly path: string },
    before: Verdict | null,
    after: Verdict | null,
  ): Promise<void> {
    const { decisions } = this.#review;
    if (before?.decision === 'move') {
      const copy = this.#copyOf(image, before.to);
      await rm(copy, { force: true });
      decisions.set(this.#decided(copy, image), undefined);
    }
    if (after?.decision !== 'move') return;
    const copy = this.#copyOf(image, after.to);
    await copyFile(image.path, copy).catch((cause) => {
      throw writingFailed(copy, cause);
    });
    decisions.set(this.#decided(copy, image), { decision: 'added' });
  }

  #decided(copy: string, { sha256 }: DecidedImage): DecidedImage {
    return decidedImage(this.#review.folder, { path: copy, hash: sha256 });
  }

  /** In the folder of the class's first training image. */
  #copyOf({ path, sha256 }: DecidedImage & { readonly path: string }, to: string): string {
    const label = this.#review.labels.indexOf(to);
    const { images, folder } = this.#review;
    const own = images.find((one) => one.label === label && one.split === 'train');
    const directory = own ? dirname(own.path) : join(folder, to);
    return join(directory, `feedback-${sha256.slice(0, 12)}${extname(path)}`);
  }
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
