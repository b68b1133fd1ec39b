import type { Operation, StepBase } from './operation.ts';
import { activation } from './steps/activation.ts';
import { add } from './steps/add.ts';
import { affine } from './steps/affine.ts';
import { concat } from './steps/concat.ts';
import { convolution } from './steps/convolution.ts';
import { dense } from './steps/dense.ts';
import { dropout } from './steps/dropout.ts';
import { globalAveragePool, globalMaxPool } from './steps/global-pool.ts';
import { localResponseNormalization } from './steps/local-response-normalization.ts';
import { multiply } from './steps/multiply.ts';
import { pad } from './steps/pad.ts';
import { averagePool, maxPool } from './steps/pool.ts';
import { reshape } from './steps/reshape.ts';
import { softmax } from './steps/softmax.ts';

/** Every operation that a plan can have, in any order. */
const operations = {
  activation,
  add,
  affine,
  'average-pool': averagePool,
  concat,
  convolution,
  dense,
  dropout,
  'global-average-pool': globalAveragePool,
  'global-max-pool': globalMaxPool,
  'local-response-normalization': localResponseNormalization,
  'max-pool': maxPool,
  multiply,
  pad,
  reshape,
  softmax,
};

type StepOf<O> = O extends Operation<infer S> ? S : never;

export type Step = StepOf<(typeof operations)[keyof typeof operations]>;

/** The operation that a step belongs to. */
export function operationOf(step: Step): Operation<Step> {
  return operations[step.kind] as unknown as Operation<Step>;
}

/** How layers become steps, by the layers' class names. */
export const fusers: ReadonlyMap<string, Operation<StepBase>['layers'][string]> = new Map(
  Object.values(operations).flatMap(({ layers }) => Object.entries(layers)),
);
