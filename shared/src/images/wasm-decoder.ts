import type { DecoderProgram } from './decoder-programs.ts';

/** TypeScript has WebAssembly only among the types of browsers. */
declare const WebAssembly: {
  readonly Instance: new (
    program: DecoderProgram,
    imports: object,
  ) => { readonly exports: unknown };
};

/** The exports that all decoders have, which are C programs compiled to WebAssembly. */
export interface DecoderMemory {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** @returns an address, or 0 where no memory is left */
  malloc(bytes: number): number;
}

/** Starts a program in memory of its own, which is freed with the instance. */
export function startDecoder<T>(program: DecoderProgram, imports: object = {}): T {
  return new WebAssembly.Instance(program, imports).exports as T;
}

/** A larger instance is not kept, since WebAssembly cannot return memory. */
export const maxKeptBytes = 4 * 1024 * 1024;

/** Of each program, the instance that the next image uses: a new one costs as much as decoding a small image. */
const free = new WeakMap<DecoderProgram, unknown>();

/**
 * Takes the instance that {@link keepDecoder} kept, if there is one. It is kept no longer: images that are decoded
 * meanwhile have others, and one that fails in it drops it.
 */
export function takeDecoder<T>(program: DecoderProgram): T | undefined {
  const decoder = free.get(program) as T | undefined;
  free.delete(program);
  return decoder;
}

/** Keeps an instance whose image is decoded, unless it is large. @returns whether it is kept */
export function keepDecoder(
  program: DecoderProgram,
  decoder: Pick<DecoderMemory, 'memory'>,
): boolean {
  const isKept = decoder.memory.buffer.byteLength <= maxKeptBytes;
  if (isKept) free.set(program, decoder);
  return isKept;
}

/** @throws Error where no memory is left */
export function allocate(decoder: DecoderMemory, bytes: number): number {
  const at = decoder.malloc(bytes);
  if (at === 0) throw new Error(`The decoder has no memory left for ${bytes} bytes.`);
  return at;
}

/** Copies a file into the decoder's memory. @throws Error where no memory is left */
export function place(decoder: DecoderMemory, file: Uint8Array): number {
  const at = allocate(decoder, file.length);
  new Uint8Array(decoder.memory.buffer).set(file, at);
  return at;
}

function refuse(): never {
  throw new Error('The decoder made a system call, which is not supported.');
}

/** There are no system calls: only error paths of the decoders use these imports. */
export const wasiStubs = {
  environ_sizes_get: () => 0,
  environ_get: refuse,
  proc_exit: refuse,
  fd_close: refuse,
  fd_seek: refuse,
  fd_write: refuse,
};
