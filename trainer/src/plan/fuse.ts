import type * as tf from '@tensorflow/tfjs';
import { layerFlow, nameOf } from './layers/layer-flow.ts';
import { fusers, type Step } from './operations.ts';
import type { Plan } from './plan.ts';

/**
 * Turns a tf.layers model into fused steps. The plan owns copies of the weights: the model can
 * be disposed of.
 *
 * Layers at the beginning that only scale the image are left out, since the preprocess spec does
 * the same: the plan's input is what follows them.
 *
 * @param model a functional model of the layers that the backbones use, each called once
 * @throws Error naming a layer that no step supports
 */
export function fusePlan(model: tf.LayersModel): Plan {
  const flow = layerFlow(model);
  let { input } = flow;
  const steps: Step[] = [];
  const fused = new Set<tf.layers.Layer>();
  for (const layer of model.layers) {
    const className = layer.getClassName();
    if (className === 'InputLayer' || fused.has(layer)) continue;
    if (SCALING.has(className) && nameOf(layer.input) === input) {
      input = nameOf(layer.output);
      continue;
    }
    const fuse = fusers.get(className);
    if (!fuse) throw new Error(`${layer.name}: no step supports a ${className} layer.`);
    const { steps: layerSteps, layers } = fuse(layer, flow);
    steps.push(...(layerSteps as readonly Step[]));
    for (const taken of layers) fused.add(taken);
  }
  return { input, output: flow.output, steps };
}

const SCALING: ReadonlySet<string> = new Set(['Rescaling', 'Normalization']);
