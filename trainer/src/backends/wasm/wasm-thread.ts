// tfjs-wasm starts eight threads for XNNPACK before anyone can say how many. None is needed, since
// our kernels have threads of their own: each of these reports that it is ready, then ends.
import { parentPort } from 'node:worker_threads';

parentPort?.once('message', () => parentPort?.postMessage({ cmd: 'loaded' }));
