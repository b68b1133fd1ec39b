// One thread of threaded-kernels.ts: computes its share of a call, and waits for the next one.
import { parentPort, workerData } from 'node:worker_threads';
import { cnnKernelsForNode } from 'shared/cnn/cnn-kernels-node';
import { waitForChange } from './wait-for-change.ts';

/** What the thread has in common with the one that has started it. */
export interface KernelThread {
  /** A WebAssembly memory. */
  readonly memory: object;
  /** `[1]`, the calls that this thread was given so far. */
  readonly calls: Int32Array;
  /** The last one: the kernel's place among the module's exports, and its arguments. */
  readonly call: Float64Array;
  /** `[1]`, the threads that have not done their share yet. */
  readonly running: Int32Array;
}

const { memory, calls, call, running } = workerData as KernelThread;
const instantiate = cnnKernelsForNode('cnn-kernels-shared.wasm');
const kernels = Object.values(instantiate?.({ env: { memory } }) ?? {});
parentPort?.postMessage('ready');
for (let done = 0; ; done++) {
  waitForChange(calls, done);
  const [place, ...values] = call;
  try {
    kernels[place as number](...values);
  } finally {
    // Also where a kernel fails, which then ends the process instead of having it wait.
    if (Atomics.sub(running, 0, 1) === 1) Atomics.notify(running, 0);
  }
}
