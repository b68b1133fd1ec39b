import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `photo-host.ts` listens, as in `http://127.0.0.1:40001`. */
    photoHost: string;
    /** Names below `/odd/` of that host, the bad ones with what is said of them. */
    oddPaths: { good: string[]; bad: [name: string, says: string][]; picky: string[] };
    /** The graph of `every-operation.ts`, for square images of `size` pixels. */
    everyOperation: { size: number; json: string; weightData: number[] };
  }
}
