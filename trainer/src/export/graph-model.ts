import { operationOf } from '../plan/operations.ts';
import type { Plan } from '../plan/plan.ts';
import type { DenseStep } from '../plan/steps/dense.ts';
import { GraphBuilder, type GraphModel, type KernelFormats } from './graph-builder.ts';

/**
 * Converts a plan to a graph of TensorFlow's fused operations, with BatchNorm folded into the kernels.
 *
 * @param size side of the square input: `input` is `[n, size, size, 3]` float32, already
 *   preprocessed; the output is `[n, classes]` probabilities
 * @param temperature that divides the logits (Guo et al. 2017, §4.2). It is folded into the last dense
 *   layer, so that every runtime computes calibrated probabilities.
 */
export async function toGraphModel(
  plan: Plan,
  size: number,
  formats: KernelFormats,
  temperature = 1,
): Promise<GraphModel> {
  const graph = new GraphBuilder(formats);
  const input = { name: plan.input, shape: [-1, size, size, 3] };
  graph.placeholder(input);
  const logits = logitsOf(plan);
  for (const step of plan.steps) {
    await operationOf(step).writeGraph(step, graph, step === logits ? 1 / temperature : 1);
  }
  return graph.finish(input, { name: plan.output, shape: [-1, logits.bias.value.size] });
}

/** The last dense layer, which computes the logits. */
function logitsOf(plan: Plan): DenseStep {
  const dense = plan.steps.findLast((step) => step.kind === 'dense');
  if (!dense) throw new Error('Expected a network that ends in a dense layer.');
  return dense;
}
