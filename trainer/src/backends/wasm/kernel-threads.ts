import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { mallocLines, upToLine } from 'shared/inference/kernels/arena';
import {
  type CnnKernels,
  type KernelResult,
  kernelsInHeap,
  type WasmHeap,
} from 'shared/inference/kernels/cnn-kernels';
import { cnnKernelsForNode } from 'shared/inference/kernels/cnn-kernels-node';
import {
  inOrder,
  type KernelArguments,
  type KernelName,
  kernelArguments,
} from 'shared/inference/kernels/kernel-arguments';
import { moduleUrl } from '../../files/module-url.ts';
import type { KernelThread } from './kernel-thread.ts';
import { waitForChange } from './wait-for-change.ts';

const kernelNames = Object.keys(kernelArguments);
/** A kernel's place and its arguments. */
const CALL_LENGTH = 1 + Math.max(...Object.values(kernelArguments).map(({ length }) => length));

type Shared = Pick<KernelThread, 'running' | 'failed'>;

/** Threads that compute shares of a kernel's call; they live as long as the process, and do not keep it alive. */
export class KernelThreads {
  /** On the thread that calls them, alone. */
  readonly kernels: CnnKernels;
  /** Including the one that calls the kernels. */
  readonly count: number;
  readonly #heap: WasmHeap;
  readonly #others: readonly KernelThread[];
  readonly #shared: Shared;
  #scratch = { at: 0, block: 0 };
  #scratchBytes = 0;

  private constructor(heap: WasmHeap, others: readonly KernelThread[], shared: Shared) {
    this.kernels = kernelsInHeap(heap, cnnKernelsForNode('cnn-kernels-shared.wasm'));
    this.count = others.length + 1;
    this.#heap = heap;
    this.#others = others;
    this.#shared = shared;
  }

  /**
   * @param heap of tfjs-wasm's module with threads
   * @param count including the one that calls the kernels
   * @throws Error of a thread that does not start
   */
  static async start(heap: WasmHeap, count: number): Promise<KernelThreads> {
    const shared: Shared = {
      running: new Int32Array(new SharedArrayBuffer(4)),
      failed: new Int32Array(new SharedArrayBuffer(4)),
    };
    const starting = Array.from({ length: count - 1 }, () =>
      startThread(heap.wasmMemory as object, shared),
    );
    return new KernelThreads(heap, await Promise.all(starting), shared);
  }

  /**
   * @param shares the arguments of each share of a call, the first of which this thread computes
   * @returns what the kernel returns for the first share
   * @throws Error where a share fails, as with an address beyond the memory
   */
  run<K extends KernelName>(name: K, [own, ...shares]: KernelArguments<K>[]): KernelResult<K> {
    const { running, failed } = this.#shared;
    Atomics.store(failed, 0, 0);
    Atomics.store(running, 0, shares.length);
    for (const [i, values] of shares.entries()) {
      const { calls, call } = this.#others[i] as KernelThread;
      call.set([kernelNames.indexOf(name), ...inOrder(name, values)]);
      Atomics.add(calls, 0, 1);
      Atomics.notify(calls, 0);
    }
    let result: KernelResult<K>;
    try {
      result = this.kernels[name](own as KernelArguments<K>);
    } finally {
      for (let left = shares.length; left > 0; left = Atomics.load(running, 0)) {
        waitForChange(running, left);
      }
    }
    if (Atomics.load(failed, 0) === 1) {
      throw new Error(`The kernel ${name} failed on one of its threads.`);
    }
    return result;
  }

  /** Memory for each thread to work in, where the caller has some for one. */
  scratchOf(thread: number, bytes: number): number {
    if (bytes > this.#scratchBytes) {
      this.#heap._free(this.#scratch.block);
      this.#scratchBytes = upToLine(bytes);
      this.#scratch = mallocLines(this.#heap._malloc, this.#scratchBytes * this.count);
    }
    return this.#scratch.at + thread * this.#scratchBytes;
  }
}

async function startThread(memory: object, shared: Shared): Promise<KernelThread> {
  const calls = new Int32Array(new SharedArrayBuffer(4));
  const call = new Float64Array(new SharedArrayBuffer(CALL_LENGTH * 8));
  const thread: KernelThread = { memory, calls, call, ...shared };
  const worker = new Worker(moduleUrl('kernel-thread', import.meta), { workerData: thread });
  // Before that it needs this thread's event loop, which a call would block.
  await once(worker, 'message');
  worker.unref();
  return thread;
}
