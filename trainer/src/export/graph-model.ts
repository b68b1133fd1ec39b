import { operationOf } from '../plan/operations.ts';
import type { Plan } from '../plan/plan.ts';
import type { DenseStep } from '../plan/steps/dense.ts';
import { GraphBuilder, type GraphModel, type KernelFormats } from './graph-builder.ts';

/**
 * Writes a plan as a graph of TensorFlow's fused operations, BatchNorm folded into the kernels.
 *
 * @param size side of the square input: `input` is `[n, size, size, 3]` float32, already
 *   preprocessed; the output is `[n, classes]` probabilities
 * @param temperature that the logits are divided by (Guo et al. 2017, §4.2). The last dense layer
 *   takes it in, so whatever runs the graph gets calibrated probabilities.
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

/** The last dense layer, whose numbers the softmax reads, one a class. */
function logitsOf(plan: Plan): DenseStep {
  const dense = plan.steps.findLast((step) => step.kind === 'dense');
  if (!dense) throw new Error('Expected a network that ends in a dense layer.');
  return dense;
}
