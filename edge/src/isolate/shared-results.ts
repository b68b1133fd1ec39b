import { waitUntil } from 'cloudflare:workers';
import { overloaded } from '../problem.ts';

interface Keeping<T> {
  /**
   * How long a result is kept after it is made, in milliseconds. With 0, it is shared only by the
   * requests that ask for it while it is being made. By default it is kept for good.
   */
  readonly maxAgeMs?: number;
  /** Frees a result that is dropped to make room for another one. */
  readonly dispose?: (result: T) => void;
  /** Begins the sentence of the `overloaded` problem where every result is borrowed. */
  readonly whenFull?: string;
}

interface Entry<T> {
  readonly result: Promise<T>;
  /** In milliseconds since 1970. */
  expiresAt: number;
  borrowers: number;
}

/**
 * Results, by key, that all requests of the isolate share and that are made once. One that cannot be
 * made is tried again at the next request.
 */
export class SharedResults<T> {
  /** The one borrowed last is at the end. */
  readonly #entries = new Map<string, Entry<T>>();
  readonly #keeping: Keeping<T>;

  constructor(keeping: Keeping<T> = {}) {
    this.#keeping = keeping;
  }

  /** Where an expired result cannot be made anew, the old one is kept as long again. */
  get(key: string, make: () => Promise<T>): Promise<T> {
    const last = this.#entries.get(key);
    if (last && Date.now() < last.expiresAt) return last.result;
    return this.#begin(key, last ? () => make().catch(() => last.result) : make).result;
  }

  /** Begins to make a result that will be borrowed, where there is room for it. */
  prepare(key: string, make: () => Promise<T>, max: number): void {
    if (!this.#entries.has(key) && this.#entries.size < max) this.#begin(key, make);
  }

  /**
   * Lends a result. Of those that nobody has borrowed, the ones borrowed last are kept.
   *
   * @param max how many results there may be at a time
   * @param use has the result until it ends, so it must wait for nothing that a client sends
   * @throws ProblemError `overloaded` where all that there is room for are borrowed
   */
  async lend<R>(
    key: string,
    make: () => Promise<T>,
    max: number,
    use: (result: T) => R | Promise<R>,
  ): Promise<R> {
    const entry = this.#entries.get(key) ?? this.#beginWithin(max, key, make);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.borrowers++;
    try {
      return await use(await entry.result);
    } finally {
      entry.borrowers--;
      this.#dropUnused(max);
    }
  }

  #beginWithin(max: number, key: string, make: () => Promise<T>): Entry<T> {
    // The others go before this one takes its memory.
    this.#dropUnused(max - 1);
    if (this.#entries.size >= Math.max(1, max)) {
      throw overloaded(this.#keeping.whenFull ?? 'Too many requests are being served');
    }
    return this.#begin(key, make);
  }

  #begin(key: string, make: () => Promise<T>): Entry<T> {
    const { maxAgeMs = Number.POSITIVE_INFINITY } = this.#keeping;
    const entry = { result: make(), expiresAt: Number.POSITIVE_INFINITY, borrowers: 0 };
    this.#entries.set(key, entry);
    const forget = (): void => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    const keep = (): void => {
      if (maxAgeMs === 0) forget();
      else entry.expiresAt = Date.now() + maxAgeMs;
    };
    // Other requests may wait for it, so it goes on even if the client of this one leaves.
    waitUntil(entry.result.then(keep, forget));
    return entry;
  }

  #dropUnused(max: number): void {
    for (const [key, { borrowers, result }] of this.#entries) {
      if (this.#entries.size <= max) return;
      if (borrowers > 0) continue;
      this.#entries.delete(key);
      waitUntil(result.then(this.#keeping.dispose, () => undefined));
    }
  }
}
