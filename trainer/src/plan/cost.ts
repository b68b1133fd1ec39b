import type { Plan, Step } from './plan.ts';

/**
 * What one picture costs: a multiplication and an addition of a convolution or a dense layer are
 * two operations; the rest, a few per cent, is left out, as in the published figures.
 *
 * @param size side of the square input, in pixels
 * @returns 10⁹ operations
 */
export function gigaflops(plan: Plan, size: number): number {
  const shapes = new Map<string, readonly number[]>([[plan.input, [size, size, 3]]]);
  let operations = 0;
  for (const step of plan.steps) {
    const inputs = step.inputs.map((name) => shapes.get(name) as readonly number[]);
    const shape = outputShape(step, inputs);
    shapes.set(step.output, shape);
    if (step.kind !== 'convolution' && step.kind !== 'dense') continue;
    // Each weight of a kernel takes part once at each place of the output.
    const [height = 1, width = 1] = shape.length === 3 ? shape : [];
    operations += 2 * step.kernel.value.size * height * width;
  }
  return operations / 1e9;
}

/** Of one example. */
function outputShape(step: Step, inputs: readonly (readonly number[])[]): readonly number[] {
  const [shape = []] = inputs;
  const [height, width, channels] = shape as [number, number, number];
  switch (step.kind) {
    case 'convolution': {
      const [kernelHeight, kernelWidth, , filters] = step.kernel.value.shape as Shape4D;
      return [
        side(height, kernelHeight, step.strides[0], step.padding),
        side(width, kernelWidth, step.strides[1], step.padding),
        step.depthwise ? channels : filters,
      ];
    }
    case 'max-pool':
    case 'average-pool':
      return [
        side(height, step.size[0], step.strides[0], step.padding),
        side(width, step.size[1], step.strides[1], step.padding),
        channels,
      ];
    case 'pad':
      return [
        height + step.rows[0] + step.rows[1],
        width + step.columns[0] + step.columns[1],
        channels,
      ];
    case 'concat':
      return [height, width, inputs.reduce((sum, input) => sum + (input[2] as number), 0)];
    case 'global-average-pool':
    case 'global-max-pool':
      return [channels];
    case 'reshape':
      return step.shape;
    case 'dense':
      return [step.bias.value.size];
    default:
      return shape;
  }
}

type Shape4D = [number, number, number, number];

function side(length: number, window: number, stride: number, padding: 'same' | 'valid'): number {
  return Math.ceil((padding === 'same' ? length : length - window + 1) / stride);
}
