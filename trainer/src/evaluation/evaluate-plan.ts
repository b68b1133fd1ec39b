import type { BatchSource } from '../data/batches.ts';
import { startProgress } from '../files/progress.ts';
import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { evaluate, type Predictions } from './evaluate.ts';

/**
 * A plan's predictions for labelled images, in order.
 *
 * @param title of the progress that is shown
 * @throws the signal's reason
 */
export function evaluatePlan(
  plan: Plan,
  source: BatchSource,
  title: string,
  signal: AbortSignal,
): Promise<Predictions> {
  const progress = startProgress(title, source.length);
  return evaluate((inputs) => runPlan(plan, inputs), source, { progress, signal });
}
