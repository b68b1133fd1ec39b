// One thread of kernel-threads.ts: computes its share of a call, and waits for the next one.
import { parentPort, workerData } from 'node:worker_threads';
import { cnnKernelsForNode } from 'shared/inference/kernels/cnn-kernels-node';
import { kernelArguments } from 'shared/inference/kernels/kernel-arguments';
import { waitForChange } from './wait-for-change.ts';

/** What the thread has in common with the one that has started it. */
export interface KernelThread {
  /** A WebAssembly memory. */
  readonly memory: object;
  /** `[1]`, the calls that this thread was given so far. */
  readonly calls: Int32Array;
  /** The last one: the kernel's place in `kernelArguments`, and its arguments in order. */
  readonly call: Float64Array;
  /** `[1]`, the threads that have not done their share yet. */
  readonly running: Int32Array;
  /** `[1]`, 1 when one of them could not. */
  readonly failed: Int32Array;
}

type Kernel = (...values: number[]) => unknown;

const { memory, calls, call, running, failed } = workerData as KernelThread;
const instantiate = cnnKernelsForNode('cnn-kernels-shared.wasm');
const exports = instantiate({ env: { memory } }) as Record<string, Kernel>;
const kernels = Object.keys(kernelArguments).map((name) => exports[name]);
parentPort?.postMessage('ready');
for (let done = 0; ; done++) {
  waitForChange(calls, done);
  const [place, ...values] = call;
  try {
    (kernels[place as number] as Kernel)(...values);
  } catch {
    // Nobody hears of an error that is thrown here before the call that waits has returned.
    Atomics.store(failed, 0, 1);
  } finally {
    if (Atomics.sub(running, 0, 1) === 1) Atomics.notify(running, 0);
  }
}
