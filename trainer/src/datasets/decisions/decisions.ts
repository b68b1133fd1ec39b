import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { TrainerError } from '../../errors.ts';
import { parseJson } from '../../files/parse-json.ts';
import { writeFileAtomically } from '../../files/write-atomically.ts';

/** In the folder of images. */
const FILE = 'graft-review.json';

const image = {
  /** Relative to the folder, with `/`. */
  file: z.string(),
  /** Of its bytes, in hex: with another one, it is another image. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
};
const verdictWith = <T extends z.ZodRawShape>(others: T) =>
  z.discriminatedUnion('decision', [
    z.strictObject({ ...others, decision: z.literal('right') }),
    /** To another class, by its name. */
    z.strictObject({ ...others, decision: z.literal('move'), to: z.string() }),
    /** Where an image may have several labels: those that it has, by their names. */
    z.strictObject({ ...others, decision: z.literal('labels'), labels: z.array(z.string()) }),
    z.strictObject({ ...others, decision: z.literal('duplicate') }),
    z.strictObject({ ...others, decision: z.literal('not a photo') }),
    /** From production: it is trained on, and no split is drawn with it, so that the others stay where they are. */
    z.strictObject({ ...others, decision: z.literal('added') }),
  ]);
const decision = verdictWith(image);
/** What a decision says, without the image. */
export const verdict = verdictWith({});
const decisionsFile = z.strictObject({ version: z.literal(1), decisions: z.array(decision) });

/** What a person has said of an image. */
export type Decision = z.infer<typeof decision>;

export type Verdict = z.infer<typeof verdict>;

/** An image, as a decision names it. */
export type DecidedImage = Pick<Decision, 'file' | 'sha256'>;

export function decisionsIn(folder: string): string {
  return join(folder, FILE);
}

/** What people have decided about the images of a folder. Nothing of it changes the images' files. */
export class Decisions {
  readonly #path: string;
  readonly #byImage: Map<string, Decision>;

  private constructor(path: string, decisions: readonly Decision[]) {
    this.#path = path;
    this.#byImage = new Map(decisions.map((one) => [keyOf(one), one]));
  }

  /**
   * @returns none for a folder without decisions
   * @throws TrainerError `dataset_invalid` for a damaged file
   */
  static async read(folder: string): Promise<Decisions> {
    const path = decisionsIn(folder);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new Decisions(path, []);
      throw invalid(path, 'it cannot be read: check its permissions', cause);
    }
    const parsed = decisionsFile.safeParse(parseJson(text));
    if (parsed.success) return new Decisions(path, parsed.data.decisions);
    const where = parsed.error.issues[0]?.path.join('.') || 'the whole file';
    throw invalid(path, `${where} is none: restore it, or remove it to begin anew`, parsed.error);
  }

  /**
   * The decision about an image: that of the same file with the same bytes, or else one of the same bytes
   * whose file is gone, since the image may have been renamed.
   *
   * @param images all of the folder's
   */
  finder(images: Iterable<DecidedImage>): (image: DecidedImage) => Decision | undefined {
    const there = new Set([...images].map(keyOf));
    const gone = [...this.#byImage.values()].filter((one) => !there.has(keyOf(one)));
    const renamed = new Map(gone.map((one) => [one.sha256, one]));
    return (one) => this.#byImage.get(keyOf(one)) ?? renamed.get(one.sha256);
  }

  /** Those of one kind. */
  only(kind: Decision['decision']): Decisions {
    const some = [...this.#byImage.values()].filter(({ decision }) => decision === kind);
    return new Decisions(this.#path, some);
  }

  /** @param verdict undefined takes a decision back */
  set({ file, sha256 }: DecidedImage, verdict: Verdict | undefined): void {
    const key = keyOf({ file, sha256 });
    if (verdict) this.#byImage.set(key, { file, sha256, ...verdict });
    else this.#byImage.delete(key);
  }

  /**
   * Sorted, with a decision a line, so that version control shows and merges them.
   *
   * @throws TrainerError `disk_full`, `not_writable`
   */
  async write(): Promise<void> {
    const sorted = [...this.#byImage.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const lines = sorted.map((one) => `    ${JSON.stringify(one)}`).join(',\n');
    const list = sorted.length > 0 ? `[\n${lines}\n  ]` : '[]';
    await writeFileAtomically(this.#path, `{\n  "version": 1,\n  "decisions": ${list}\n}\n`);
  }
}

function keyOf({ file, sha256 }: DecidedImage): string {
  return `${file}\n${sha256}`;
}

function invalid(path: string, but: string, cause: unknown): TrainerError {
  return new TrainerError(
    'dataset_invalid',
    `Expected the decisions of graft review in ${path}, but ${but}.`,
    cause,
  );
}
