/**
 * Waits actively at first: a sleeping thread may take 0.4 ms to wake (measured on a virtual machine
 * with 2 cores), longer than a network takes from one kernel to the next.
 */
const AWAKE_MS = 0.2;

/** Blocks while the number shared between threads, `[1]`, has this value. */
export function waitForChange(shared: Int32Array, value: number): void {
  const end = performance.now() + AWAKE_MS;
  while (Atomics.load(shared, 0) === value) {
    if (performance.now() > end) Atomics.wait(shared, 0, value);
  }
}
