import type { Parameter } from './operation.ts';
import { operationOf, type Step } from './operations.ts';

/**
 * A network as fused steps, in the order they run. Training, export and analyses all read this
 * one form, so that what is trained is what is served.
 */
export interface Plan {
  readonly input: string;
  readonly output: string;
  readonly steps: readonly Step[];
}

/** Every kernel and bias, frozen ones too. BatchNorm is always frozen, so its numbers are constants. */
export function parametersOf(plan: Plan): Parameter[] {
  return plan.steps.flatMap((step) => operationOf(step).parameters?.(step) ?? []);
}

/** The parameters that training updates. */
export function trainableParametersOf(plan: Plan): Parameter[] {
  return parametersOf(plan).filter(({ value }) => value.trainable);
}

/** Cuts a plan after the step called `name`: the trunk up to it, and the head from there on. */
export function cutPlan(plan: Plan, name: string): { trunk: Plan; head: Plan } {
  const at = plan.steps.findIndex((step) => step.name === name);
  const cut = plan.steps[at];
  if (!cut) throw new Error(`The plan has no step ${name}.`);
  return {
    trunk: { input: plan.input, output: cut.output, steps: plan.steps.slice(0, at + 1) },
    head: { input: cut.output, output: plan.output, steps: plan.steps.slice(at + 1) },
  };
}

/**
 * Whether each class has a probability of its own, since an image may have several labels or none: the
 * network then ends in a sigmoid, and otherwise in a softmax.
 */
export function isMultiLabel({ steps }: Plan): boolean {
  const last = steps.at(-1);
  return last?.kind === 'activation' && last.activation === 'sigmoid';
}

/** Frees the parameters and constants. */
export function disposePlan(plan: Plan): void {
  for (const { value } of parametersOf(plan)) value.dispose();
  for (const step of plan.steps) {
    for (const constant of operationOf(step).constants?.(step) ?? []) constant.dispose();
  }
}
