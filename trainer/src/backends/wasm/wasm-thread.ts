// tfjs-wasm starts eight threads for XNNPACK before anyone can say how many. None is needed, since
// our kernels bring their own: each says that it is there, and ends.
import { parentPort } from 'node:worker_threads';

parentPort?.once('message', () => parentPort?.postMessage({ cmd: 'loaded' }));
