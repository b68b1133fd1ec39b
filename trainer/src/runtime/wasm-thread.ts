// One thread of tfjs-wasm. The package holds the thread's program as a string, for a browser's
// Blob; Node wants a file.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { wasmWorkerContents } =
  require('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.worker.js') as {
    readonly wasmWorkerContents: string;
  };
// Its escaped line ends have become real ones, in the midst of string literals.
const program = wasmWorkerContents.replaceAll('\n', '\\n');
new Function('require', '__filename', program)(require, import.meta.filename);
