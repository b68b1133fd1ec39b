import type { DecoderProgram } from './decoder-programs.ts';

/** TypeScript has WebAssembly among a browser's types only. */
declare const WebAssembly: {
  readonly Instance: new (
    program: DecoderProgram,
    imports: object,
  ) => { readonly exports: unknown };
};

/** What the decoders have in common: C programs compiled to WebAssembly. */
export interface DecoderMemory {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** @returns an address, or 0 when there is no memory left */
  malloc(bytes: number): number;
}

/** Starts a program in memory of its own, which goes with the instance. */
export function startDecoder<T>(program: DecoderProgram, imports: object = {}): T {
  return new WebAssembly.Instance(program, imports).exports as T;
}

/** @throws Error when there is no memory left */
export function allocate(decoder: DecoderMemory, bytes: number): number {
  const at = decoder.malloc(bytes);
  if (at === 0) throw new Error(`The decoder has no ${bytes} bytes left.`);
  return at;
}

/** Copies a file into the decoder's memory. @throws Error when there is none left */
export function place(decoder: DecoderMemory, file: Uint8Array): number {
  const at = allocate(decoder, file.length);
  new Uint8Array(decoder.memory.buffer).set(file, at);
  return at;
}

function refuse(): never {
  throw new Error('The decoder called the system.');
}

/** The decoders have no system to call; what they still import serves error paths only. */
export const wasiStubs = {
  environ_sizes_get: () => 0,
  environ_get: refuse,
  proc_exit: refuse,
  fd_close: refuse,
  fd_seek: refuse,
  fd_write: refuse,
};
