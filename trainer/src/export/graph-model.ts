import type { io } from '@tensorflow/tfjs';
import type { ConvolutionStep, DenseStep, Plan } from '../plan/plan.ts';
import type { NamedTensor } from '../weights/safetensors.ts';
import { foldBatchNorm, toNamedTensor } from './fold-batch-norm.ts';
import { quantizePerChannel, STEP } from './quantize.ts';

export type QuantizationScheme = 'float32' | 'uint8-per-channel';

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, unknown>>;
}

/** A tfjs graph model: `model.json`'s topology, signature and weights. */
export interface GraphModel {
  readonly topology: { readonly node: readonly GraphNode[]; readonly versions: object };
  readonly signature: object;
  readonly weightSpecs: readonly io.WeightsManifestEntry[];
  /** In the order of `weightSpecs`. */
  readonly weightData: Uint8Array<ArrayBuffer>;
}

/**
 * Writes a plan as a graph of TensorFlow's fused operations, BatchNorm folded into the kernels.
 *
 * @param size side of the square input: `input` is `[n, size, size, 3]` float32, already
 *   preprocessed; the output is `[n, classes]` probabilities
 */
export async function toGraphModel(
  plan: Plan,
  size: number,
  scheme: QuantizationScheme,
): Promise<GraphModel> {
  const graph = new GraphBuilder(scheme);
  graph.placeholder(plan.input, [-1, size, size, 3]);
  for (const step of plan.steps) {
    switch (step.kind) {
      case 'convolution':
        graph.convolution(step, await foldBatchNorm(step));
        break;
      case 'dense':
        graph.dense(
          step,
          await toNamedTensor(step.kernel.value),
          await toNamedTensor(step.bias.value),
        );
        break;
      case 'add':
        graph.node(step.output, 'AddV2', step.inputs, FLOAT);
        break;
      case 'global-average-pool':
        graph.node(
          step.output,
          'Mean',
          [...step.inputs, graph.axes(`${step.output}/axes`, [1, 2])],
          {
            ...FLOAT,
            Tidx: { type: 'DT_INT32' },
            keep_dims: { b: false },
          },
        );
        break;
      case 'dropout':
        graph.node(step.output, 'Identity', step.inputs, FLOAT);
        break;
      case 'softmax':
        graph.node(step.output, 'Softmax', step.inputs, FLOAT);
        break;
    }
  }
  return graph.finish(plan, size);
}

const FLOAT = { T: { type: 'DT_FLOAT' } };

class GraphBuilder {
  readonly #scheme: QuantizationScheme;
  readonly #nodes: GraphNode[] = [];
  readonly #specs: io.WeightsManifestEntry[] = [];
  readonly #data: Uint8Array[] = [];

  constructor(scheme: QuantizationScheme) {
    this.#scheme = scheme;
  }

  node(name: string, op: string, input: readonly string[], attr: GraphNode['attr']): string {
    this.#nodes.push({ name, op, input, attr });
    return name;
  }

  placeholder(name: string, shape: readonly number[]): void {
    this.node(name, 'Placeholder', [], {
      dtype: { type: 'DT_FLOAT' },
      shape: { shape: dims(shape) },
    });
  }

  convolution(
    step: ConvolutionStep,
    { kernel, bias }: { kernel: NamedTensor; bias: NamedTensor },
  ): void {
    const [input] = step.inputs as [string];
    const [height, width] = step.strides;
    this.node(
      step.output,
      step.depthwise ? 'FusedDepthwiseConv2dNative' : '_FusedConv2D',
      [
        input,
        this.#kernel(`${step.name}/kernel`, kernel, step.depthwise ? 2 : 1),
        this.#float(`${step.name}/bias`, bias),
      ],
      {
        ...FLOAT,
        strides: { list: { i: ['1', `${height}`, `${width}`, '1'] } },
        dilations: { list: { i: ['1', '1', '1', '1'] } },
        padding: text(step.padding.toUpperCase()),
        data_format: text('NHWC'),
        ...fusedOps(
          step.activation === 'linear' ? ['BiasAdd'] : ['BiasAdd', ACTIVATIONS[step.activation]],
        ),
      },
    );
  }

  dense(step: DenseStep, kernel: NamedTensor, bias: NamedTensor): void {
    const [input] = step.inputs as [string];
    this.node(
      step.output,
      '_FusedMatMul',
      [
        input,
        this.#kernel(`${step.name}/kernel`, kernel, 1),
        this.#float(`${step.name}/bias`, bias),
      ],
      { ...FLOAT, transpose_a: { b: false }, transpose_b: { b: false }, ...fusedOps(['BiasAdd']) },
    );
  }

  axes(name: string, values: readonly number[]): string {
    const data = new Uint8Array(Int32Array.from(values).buffer);
    return this.#constant({ name, shape: [values.length], dtype: 'int32' }, data);
  }

  finish(plan: Plan, size: number): GraphModel {
    return {
      topology: { node: this.#nodes, versions: { producer: 1882 } },
      signature: {
        inputs: { [plan.input]: tensorInfo(plan.input, [-1, size, size, 3]) },
        outputs: { [plan.output]: tensorInfo(plan.output, [-1, classesOf(plan)]) },
      },
      weightSpecs: this.#specs,
      weightData: new Uint8Array(Buffer.concat(this.#data)),
    };
  }

  /**
   * The tfjs format has one scale a tensor. So the kernel is stored divided by its channels'
   * scales, and the graph multiplies two constants: right in any tfjs program, and free where
   * the loader folds it once (`shared/fold-constants`).
   */
  #kernel(name: string, kernel: NamedTensor, channelDimensions: 1 | 2): string {
    if (this.#scheme === 'float32') return this.#float(name, kernel);
    const { shape, steps, scales } = quantizePerChannel(kernel, channelDimensions);
    const quantized = this.#constant(
      {
        name: `${name}/steps`,
        shape: [...shape],
        dtype: 'float32',
        quantization: { dtype: 'uint8', ...STEP },
      },
      steps,
    );
    return this.node(name, 'Mul', [quantized, this.#float(`${name}/scales`, scales)], FLOAT);
  }

  #float(name: string, { shape, values }: NamedTensor): string {
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return this.#constant({ name, shape: [...shape], dtype: 'float32' }, data);
  }

  #constant(spec: io.WeightsManifestEntry, data: Uint8Array): string {
    this.#specs.push(spec);
    this.#data.push(data);
    const dtype = spec.dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT';
    return this.node(spec.name, 'Const', [], {
      dtype: { type: dtype },
      value: { tensor: { dtype, tensorShape: dims(spec.shape) } },
    });
  }
}

function classesOf(plan: Plan): number {
  const dense = plan.steps.findLast((step) => step.kind === 'dense');
  if (!dense) throw new Error('Expected a network that ends in a dense layer.');
  return dense.bias.value.size;
}

const ACTIVATIONS = { relu: 'Relu', relu6: 'Relu6' } as const;

function fusedOps(names: readonly string[]): object {
  return { num_args: { i: '1' }, fused_ops: { list: { s: names.map((name) => text(name).s) } } };
}

/** GraphDef's JSON form holds strings in base64. */
function text(value: string): { s: string } {
  return { s: Buffer.from(value).toString('base64') };
}

function dims(shape: readonly number[]): object {
  return { dim: shape.map((length) => ({ size: `${length}` })) };
}

function tensorInfo(name: string, shape: readonly number[]): object {
  return { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: dims(shape) };
}
