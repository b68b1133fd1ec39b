/** Waits for Ctrl-C, or for what a supervisor sends in its place. */
export async function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, resolve);
  await promise;
  for (const signal of signals) process.off(signal, resolve);
}
