import type { Shape } from './operation.ts';
import { operationOf } from './operations.ts';
import type { Plan } from './plan.ts';

/**
 * What one image costs: a multiplication and an addition of a convolution or a dense layer are
 * two operations; the rest, a few per cent, is left out, as in the published figures.
 *
 * @param size side of the square input, in pixels
 * @returns 10⁹ operations
 */
export function gigaflops(plan: Plan, size: number): number {
  const shapes = new Map<string, Shape>([[plan.input, [size, size, 3]]]);
  let operations = 0;
  for (const step of plan.steps) {
    const inputs = step.inputs.map((name) => shapes.get(name) as Shape);
    const operation = operationOf(step);
    const shape = operation.outputShape?.(step, inputs) ?? (inputs[0] as Shape);
    shapes.set(step.output, shape);
    operations += operation.cost?.(step, shape) ?? 0;
  }
  return operations / 1e9;
}
