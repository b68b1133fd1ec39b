/** TypeScript has WebAssembly among a browser's types only. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
};

const PAGES = 16;
const GUARD_BYTES = 64;
/** Not a number, and none that a computation makes. */
const UNTOUCHED = 0x7f_c0_0b_ad;

/** Values that a kernel reads, or the number of those that it writes. */
export type Buffers = Readonly<Record<string, Float32Array | number>>;

/** A WebAssembly memory that shows what a kernel touches beyond its buffers. */
export class GuardedMemory {
  readonly memory = new WebAssembly.Memory({ initial: PAGES });
  readonly #words = new Uint32Array(this.memory.buffer);
  readonly #floats = new Float32Array(this.memory.buffer);

  /**
   * Calls a kernel once for each of its buffers, with that one at the memory's very end, where the
   * first byte too far is a trap. Not-a-numbers around the buffers spoil the result where they are
   * read, and a change in them throws, as does one in what was only to be read.
   *
   * @param call gets the buffers' addresses
   * @returns each call's values of the buffer `out`
   */
  run<B extends Buffers>(buffers: B, call: (at: Record<keyof B, number>) => void): Float32Array[] {
    return Object.keys(buffers).map((last) => {
      const at = this.#layOut(buffers, last);
      const before = this.#words.slice();
      call(at as Record<keyof B, number>);
      for (const [name, content] of Object.entries(buffers)) {
        const begin = (at[name] as number) / 4;
        if (typeof content === 'number') {
          before.set(this.#words.subarray(begin, begin + content), begin);
        }
      }
      if (Buffer.compare(Buffer.from(before.buffer), Buffer.from(this.memory.buffer)) !== 0) {
        const wrong = before.findIndex((word, i) => word !== this.#words[i]) * 4;
        throw new Error(`Byte ${wrong} was written, with buffers at ${JSON.stringify(at)}.`);
      }
      const out = (at['out'] as number) / 4;
      return this.#floats.slice(out, out + (buffers['out'] as number));
    });
  }

  #layOut(buffers: Buffers, last: string): Record<string, number> {
    this.#words.fill(UNTOUCHED);
    const at: Record<string, number> = {};
    let end = GUARD_BYTES;
    for (const [name, content] of Object.entries(buffers)) {
      const bytes = 4 * (typeof content === 'number' ? content : content.length);
      const begin = name === last ? this.memory.buffer.byteLength - bytes : end;
      at[name] = begin;
      if (typeof content !== 'number') this.#floats.set(content, begin / 4);
      if (name !== last) end += bytes + GUARD_BYTES;
      if (end > this.memory.buffer.byteLength) throw new Error('The memory has too few pages.');
    }
    return at;
  }
}
