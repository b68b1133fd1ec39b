import type { io } from '@tensorflow/tfjs';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import { foldGraph, valuesOf } from 'shared/inference/fold-constants';
import { readNode } from 'shared/inference/graph/read-node';
import type { OnnxKernelFormat } from '../../config/quantizations.ts';
import { withoutScoreNodes } from '../known-score.ts';
import { ActivationQuantizer } from './activation-quantizer.ts';
import type { ActivationRange } from './activation-ranges.ts';
import { modelProto, type OnnxModel } from './messages.ts';
import { OnnxBuilder } from './onnx-builder.ts';
import { conversions, type ValueLayout } from './operations.ts';
import { writePreprocess } from './preprocess-nodes.ts';

interface OnnxOptions {
  readonly kernels?: OnnxKernelFormat;
  /** For `int8`: the values of each node, from calibration. */
  readonly ranges?: ReadonlyMap<string, ActivationRange>;
  /** Makes an image the input rather than a batch of network inputs. */
  readonly preprocess?: PreprocessSpec | undefined;
  /** Texts that programs find beside the network, such as its labels. */
  readonly metadata?: OnnxModel['metadata'];
}

const IMAGE = 'image';
const INPUT = 'input';
const OUTPUT = 'probabilities';

/**
 * Writes a graph model as an ONNX model, with the weights that the Worker computes with: probabilities differ from
 * the Worker's in float32 by rounding only.
 *
 * @param artifacts as the trainer wrote them
 * @returns the model. Its input is `input`, `[batch, 3, size, size]` float32, preprocessed, or with `preprocess`
 *   `image`, `[height, width, 3]` bytes of RGB; its output is `probabilities`, `[batch, classes]` float32.
 */
export function toOnnxModel(
  artifacts: io.ModelArtifacts,
  { kernels = 'float32', ranges = new Map(), preprocess, metadata = {} }: OnnxOptions = {},
): Buffer {
  const { topology, weights } = foldGraph(artifacts);
  // An ONNX model has the probabilities alone.
  const nodes = withoutScoreNodes(topology.node);
  const graph = new OnnxBuilder();
  const constants = new Map(weights.map((weight) => [weight.name, weight]));
  const integers = new Map(
    weights
      .filter(({ dtype }) => dtype === 'int32')
      .map((weight) => [weight.name, [...valuesOf(weight)]]),
  );
  const placeholder = nodes.find(({ op }) => op === 'Placeholder');
  const output = nodes.at(-1);
  if (!placeholder || !output) throw new Error('The model computes nothing.');
  const quantizer = new ActivationQuantizer(graph, kernels === 'int8' ? ranges : new Map());
  const names = new Map([
    [placeholder.name, quantizer.write(INPUT, INPUT)],
    [output.name, OUTPUT],
  ]);
  const nameOf = (name: string) => names.get(name) ?? name;
  const layouts = new Map<string, ValueLayout>([[nameOf(placeholder.name), 'image']]);
  const context = {
    graph,
    kernels,
    weightOf: (name: string) => constants.get(name),
    scaleOf: (value: string) => quantizer.scales.get(value),
    layoutOf: (value: string) => layouts.get(value.replace(/:\d+$/, '')) as ValueLayout,
  };
  for (const node of nodes) {
    if (node.op === 'Placeholder' || node.op === 'Const') continue;
    const convert = conversions[node.op as keyof typeof conversions];
    if (!convert)
      throw new Error(
        `The model's ${node.name} is a ${node.op}, which the trainer does not write.`,
      );
    const read = readNode(node, integers);
    const name = nameOf(node.name);
    const layout = convert({ ...read, name, tensors: read.tensors.map(nameOf) }, context);
    // The logits and what comes of them stay in float32.
    const written = layout === 'image' ? quantizer.write(node.name, name) : name;
    names.set(node.name, written);
    layouts.set(written, layout);
  }
  const [, height = 0, width = 0] = sidesOf(placeholder);
  if (preprocess) writePreprocess(graph, preprocess, IMAGE, INPUT);
  return modelProto({
    ...graph,
    inputs: preprocess
      ? [{ name: IMAGE, type: 'uint8', shape: ['height', 'width', 3] }]
      : [{ name: INPUT, type: 'float32', shape: ['batch', 3, height, width] }],
    outputs: [{ name: OUTPUT, type: 'float32', shape: ['batch', 'classes'] }],
    metadata,
  });
}

/** The sides of a placeholder, as tfjs' JSON of TensorFlow's `TensorShapeProto` has them. */
function sidesOf({ attr = {} }: { readonly attr?: Record<string, unknown> }): number[] {
  const { shape } = attr['shape'] as { shape: { dim: readonly { size: string }[] } };
  return shape.dim.map(({ size }) => Number(size));
}
