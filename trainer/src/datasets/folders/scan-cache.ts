import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { cacheDirectory } from '../../files/cache-directory.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { parseJson } from '../../files/parse-json.ts';
import { writeFileAtomically } from '../../files/write-atomically.ts';

const finding = z.strictObject({
  /** Relative to the folder. */
  path: z.string(),
  /** Changes whenever the file or the decoders change. */
  stamp: z.string(),
  /** SHA-256 of the file, in hex; null where it is refused. */
  sha256: z.string().nullable(),
  /** See `thumbnailOf`; empty where it is refused. */
  thumbnail: z.string(),
  /** Why it is refused, or why the Worker will refuse it; null where nothing is wrong. */
  reason: z.string().nullable(),
  /** Of the upright image, in pixels. */
  width: z.int(),
  height: z.int(),
});

/** The result of decoding a file. */
export type Finding = z.infer<typeof finding>;

const WRITE_EVERY_MS = 1000;

/**
 * Remembers the results of decoding a folder's files, so that only new and changed ones are read
 * the next time. A killed process loses the results of the last second.
 */
export class ScanCache {
  readonly #path: string;
  readonly #version: string;
  readonly #known: ReadonlyMap<string, Finding>;
  #found: Finding[] = [];
  #unwritten: string[] = [];
  #lastWrite = performance.now();

  private constructor(path: string, version: string, known: ReadonlyMap<string, Finding>) {
    this.#path = path;
    this.#version = version;
    this.#known = known;
  }

  /** @param version of the decoders; results of other versions are not used */
  static async open(folder: string, version: string): Promise<ScanCache> {
    const id = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 32);
    const path = join(cacheDirectory(), 'folders', `${id}.jsonl`);
    const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n');
    const known = lines.flatMap((line) => {
      const parsed = finding.safeParse(parseJson(line));
      return parsed.success ? [[parsed.data.path, parsed.data] as const] : [];
    });
    return new ScanCache(path, version, new Map(known));
  }

  /** The path of a file that is kept beside the results. */
  pathOf(name: string): string {
    return this.#path.replace('.jsonl', `-${name}`);
  }

  /** @returns the result for a file, if it has not changed since */
  find(path: string, stats: Stats): Finding | undefined {
    const known = this.#known.get(path);
    if (known?.stamp !== this.#stampOf(stats)) return undefined;
    this.#found.push(known);
    return known;
  }

  async add(found: Omit<Finding, 'stamp'>, stats: Stats): Promise<Finding> {
    const stamped = { ...found, stamp: this.#stampOf(stats) };
    this.#found.push(stamped);
    this.#unwritten.push(`${JSON.stringify(stamped)}\n`);
    if (performance.now() - this.#lastWrite > WRITE_EVERY_MS) {
      this.#lastWrite = performance.now();
      const lines = this.#unwritten.join('');
      this.#unwritten = [];
      await ignoringErrors(async () => {
        await makeFolder(dirname(this.#path));
        await appendFile(this.#path, lines);
      });
    }
    return stamped;
  }

  /** Writes the results of this run, without those of files that are gone. */
  async close(): Promise<void> {
    const isKnown = this.#found.every((one) => this.#known.get(one.path) === one);
    if (isKnown && this.#found.length === this.#known.size) return;
    const lines = this.#found.map((one) => `${JSON.stringify(one)}\n`).join('');
    await ignoringErrors(() => writeFileAtomically(this.#path, lines));
    this.#found = [];
  }

  /** A file copied over another has another inode or time, even where its size is the same. */
  #stampOf({ size, mtimeMs, ctimeMs, ino }: Stats): string {
    return `${this.#version}/${size}/${mtimeMs}/${ctimeMs}/${ino}`;
  }
}

/** Without a cache everything still works, and takes longer. */
async function ignoringErrors(write: () => Promise<void>): Promise<void> {
  await write().catch(() => {});
}
