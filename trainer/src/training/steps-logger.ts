import { spreadEpoch } from '../config/stage-length.ts';
import type { LogEvent } from '../runs/run-log.ts';
import type { Fit, Position } from './fit.ts';
import { learningRate } from './learning-rate.ts';

/** Approximate number of points of a stage's training-loss curve in the log. */
const CURVE_POINTS = 100;

/**
 * Logs the mean loss of the steps since the last logged one, at about `CURVE_POINTS` steps of a stage.
 *
 * @param start position of the stage when it starts or resumes
 */
export function stepsLogger(
  { number, source, config }: Pick<Fit, 'source' | 'config'> & { readonly number: 1 | 2 },
  start: Position,
  log: (event: LogEvent) => Promise<void>,
): (done: Position) => Promise<void> {
  const of = spreadEpoch(source.length, config).steps;
  const every = Math.ceil((config.epochs * of) / CURVE_POINTS);
  let last = start;
  return async (done) => {
    if (done.step % every !== 0 && done.step !== of) return;
    const { step, lossSum } = last.epoch === done.epoch ? last : { step: 0, lossSum: 0 };
    const loss = (done.lossSum - lossSum) / (done.step - step);
    last = done;
    const position = { stage: number, epoch: done.epoch + 1, step: done.step, of };
    const rate = learningRate(config, done.epoch * of + done.step - 1, of);
    await log({ event: 'steps', ...position, loss, learningRate: rate });
  };
}
