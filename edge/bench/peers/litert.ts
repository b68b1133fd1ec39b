import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';

/** @param input `[1, size, size, 3]`, preprocessed @returns probabilities */
export type LiteRtNetwork = (input: Float32Array) => Promise<Float32Array>;

/**
 * Starts LiteRT.js (XNNPACK in WebAssembly, one thread) in Node. It is made for browsers, but its module
 * supports Node and needs only the globals of a browser's worker and of a CommonJS script.
 */
export async function startLiteRt(): Promise<void> {
  const wasm = new URL('../wasm/', import.meta.resolve('@litertjs/core'));
  const scope: Record<string, unknown> = {
    self: globalThis,
    require: createRequire(import.meta.url),
    importScripts(address: string) {
      const path = fileURLToPath(address);
      Object.assign(globalThis, { __filename: path, __dirname: dirname(path) });
      runInThisContext(readFileSync(path, 'utf8'), path);
    },
  };
  const had = new Set(Object.keys(globalThis));
  Object.assign(globalThis, scope);
  try {
    await loadLiteRt(wasm.href);
  } finally {
    // With these globals, other peers would take Node for a browser's worker.
    for (const name of [...Object.keys(scope), '__filename', '__dirname'])
      if (!had.has(name)) Reflect.deleteProperty(globalThis, name);
  }
}

/** @param model a TensorFlow Lite file with one input and one output */
export async function openLiteRtNetwork(
  model: Uint8Array,
  shape: readonly number[],
): Promise<LiteRtNetwork> {
  const network = await loadAndCompile(model, { accelerator: 'wasm' });
  return async (input) => {
    const tensor = new Tensor(input, [...shape]);
    const [output] = (await network.run(tensor)) as [Tensor];
    const probabilities = (await output.data()) as Float32Array;
    tensor.delete();
    output.delete();
    return probabilities;
  };
}
