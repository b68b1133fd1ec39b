import { foldGraph, nodeOf, valuesOf } from 'shared/inference/fold-constants';
import {
  bytesOf,
  GraphBuilder,
  type GraphModel,
  type GraphNode,
  toArtifacts,
} from '../graph-builder.ts';
import { headOf } from '../known-score.ts';

/** The last dense layer, which computes the logits. */
export interface Head {
  readonly channels: number;
  readonly classes: number;
  /** `[channels, classes]` in row-major order. */
  readonly kernel: Float32Array;
  /** `[classes]`. */
  readonly bias: Float32Array;
}

/** Reads the last dense layer, with the values that its stored kernel has. */
export function readHead(model: GraphModel): Head {
  const [kernel, bias] = constantsOf(model);
  const stored = new Map(foldGraph(toArtifacts(model)).weights.map((one) => [one.name, one]));
  const valuesIn = (name: string) => {
    const weight = stored.get(name);
    if (!weight) throw new Error(`Expected the constant ${name}.`);
    return valuesOf(weight) as Float32Array;
  };
  const [channels = 0, classes = 0] = stored.get(kernel)?.shape ?? [];
  return { channels, classes, kernel: valuesIn(kernel), bias: valuesIn(bias) };
}

/**
 * A graph with another last dense layer, whose kernel is stored in the format of the one before.
 *
 * @param model without a score of unknown images
 */
export function withHead(model: GraphModel, { channels, classes, ...head }: Head): GraphModel {
  const { logits } = headOf(model);
  const [kernel, bias] = constantsOf(model);
  const isOfHead = (name: string) =>
    [kernel, `${kernel}/steps`, `${kernel}/scales`, bias].includes(name);
  const graph = new GraphBuilder(formatOf(model, kernel));
  graph.kernel(kernel, { shape: [channels, classes], values: head.kernel }, 1);
  graph.float(bias, { shape: [classes], values: head.bias });
  const constants = graph.finish({ name: '', shape: [] }, { name: '', shape: [] });
  const { node, versions } = model.topology;
  const kept = withoutWeights(model, isOfHead);
  return {
    ...model,
    topology: {
      node: node
        .filter(({ name }) => !isOfHead(name))
        .flatMap((one): GraphNode[] =>
          one.name === logits ? [...constants.topology.node, one] : [one],
        ),
      versions,
    },
    weightSpecs: [...kept.weightSpecs, ...constants.weightSpecs],
    weightData: new Uint8Array(Buffer.concat([kept.weightData, constants.weightData])),
  };
}

/** The names of the head's kernel and bias. */
function constantsOf(model: GraphModel): [kernel: string, bias: string] {
  const { logits } = headOf(model);
  const dense = model.topology.node.find(({ name }) => name === logits);
  return [nodeOf(dense?.input[1] as string), nodeOf(dense?.input[2] as string)];
}

/** How the graph stores a kernel. */
function formatOf(
  { weightSpecs }: GraphModel,
  kernel: string,
): 'uint8' | 'uint16' | 'float16' | 'float32' {
  const spec = weightSpecs.find(({ name }) => name === kernel || name === `${kernel}/steps`);
  return spec?.quantization?.dtype ?? 'float32';
}

function withoutWeights(
  { weightSpecs, weightData }: GraphModel,
  isLeftOut: (name: string) => boolean,
): Pick<GraphModel, 'weightSpecs' | 'weightData'> {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const spec of weightSpecs) {
    const end = at + bytesOf(spec);
    if (!isLeftOut(spec.name)) parts.push(weightData.subarray(at, end));
    at = end;
  }
  return {
    weightSpecs: weightSpecs.filter(({ name }) => !isLeftOut(name)),
    weightData: new Uint8Array(Buffer.concat(parts)),
  };
}
