import { TrainerError } from '../../errors.ts';

/** The key that ends a training early, and the signal that the terminal sends for it. */
export const ENOUGH =
  process.platform === 'win32'
    ? ({ key: 'Ctrl-Break', signal: 'SIGBREAK' } as const)
    : ({ key: 'Ctrl-\\', signal: 'SIGQUIT' } as const);

/**
 * Runs something that stops when its `signal` aborts, on Ctrl-C and on what a machine sends that is about to be
 * taken away, and that comes to its end early when `enough` aborts, on {@link ENOUGH}.
 *
 * @param message of the error that it stops with
 */
export async function untilInterrupted(
  message: string,
  work: (signals: Record<'signal' | 'enough', AbortSignal>) => Promise<void>,
): Promise<void> {
  const interrupt = new AbortController();
  const end = new AbortController();
  const onInterrupt = () => interrupt.abort(new TrainerError('interrupted', message));
  const onEnough = () => end.abort();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, onInterrupt);
  process.on(ENOUGH.signal, onEnough);
  try {
    await work({ signal: interrupt.signal, enough: end.signal });
  } finally {
    for (const signal of signals) process.off(signal, onInterrupt);
    process.off(ENOUGH.signal, onEnough);
  }
}
