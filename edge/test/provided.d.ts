import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The origin of `image-host.ts`, as in `http://127.0.0.1:40001`. */
    imageHost: string;
    /** Names below `/odd/` of that host, the bad ones with a part of their problem's detail. */
    oddPaths: { good: string[]; bad: [name: string, says: string][]; picky: string[] };
    /** The graph of `every-operation.ts`, for square images of `size` pixels. */
    everyOperation: { size: number; json: string; weightData: number[] };
    /** The models of `other-heads.ts`, by id: each file's bytes by its name. */
    otherHeads: Record<string, Record<string, number[]>>;
  }
}
