// One thread of threaded-kernels.ts: computes its share of a call, and waits for the next one.
import { parentPort, workerData } from 'node:worker_threads';
import { cnnKernelsForNode } from 'shared/inference/kernels/cnn-kernels-node';
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
  /** `[1]`, 1 when one of them could not. */
  readonly failed: Int32Array;
}

const { memory, calls, call, running, failed } = workerData as KernelThread;
const instantiate = cnnKernelsForNode('cnn-kernels-shared.wasm');
const kernels = Object.values(instantiate({ env: { memory } }));
parentPort?.postMessage('ready');
for (let done = 0; ; done++) {
  waitForChange(calls, done);
  const [place, ...values] = call;
  try {
    kernels[place as number](...values);
  } catch {
    // Nobody hears of an error that is thrown here before the call that waits has returned.
    Atomics.store(failed, 0, 1);
  } finally {
    if (Atomics.sub(running, 0, 1) === 1) Atomics.notify(running, 0);
  }
}
