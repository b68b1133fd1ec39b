import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import type { Plan } from './plan.ts';

/**
 * SHA-256 of what a plan computes, in hex: its steps and every number in them. Two plans with one
 * hash give the same outputs on the same backend.
 */
export async function hashPlan(plan: Plan): Promise<string> {
  const tensors: tf.Tensor[] = [];
  // tfjs numbers values by how many the process has made before, so their positions stand for their names.
  const names = [plan.input, ...plan.steps.map(({ output }) => output)];
  const places = new Map(names.map((name, place) => [name, place]));
  const steps = JSON.stringify(plan.steps, (key, value: unknown) => {
    if (key === 'inputs') return (value as string[]).map((name) => places.get(name));
    if (key === 'output') return places.get(value as string);
    if (!(value instanceof tf.Tensor)) return value;
    return { shape: value.shape, values: tensors.push(value) };
  });
  const hash = createHash('sha256').update(steps);
  for (const tensor of tensors) hash.update(await tensor.data());
  return hash.digest('hex');
}
