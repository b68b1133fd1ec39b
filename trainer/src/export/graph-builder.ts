import type { io } from '@tensorflow/tfjs';
import type { GraphOperation } from 'shared/inference/graph/operations';
import type { KernelFormat } from '../config/quantizations.ts';
import type { GraphWriter } from '../plan/graph-writer.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import { quantizePerChannel, STEP } from './quantize.ts';

/** One format for all kernels, or a format for each kernel by its name. */
export type KernelFormats = KernelFormat | ReadonlyMap<string, KernelFormat>;

export interface GraphNode {
  readonly name: string;
  readonly op: GraphOperation;
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
  /** Number of weights of each kernel, by its name. */
  readonly kernels: ReadonlyMap<string, number>;
}

/** The form that `tf.loadGraphModel` accepts. */
export function toArtifacts(model: GraphModel): io.ModelArtifacts {
  return {
    modelTopology: model.topology,
    signature: model.signature,
    weightSpecs: [...model.weightSpecs],
    weightData: model.weightData.buffer,
  };
}

/** The model of artifacts that the trainer wrote, whose kernels are not counted. */
export function fromArtifacts(artifacts: io.ModelArtifacts): GraphModel {
  const parts = [artifacts.weightData ?? []].flat().map((part) => new Uint8Array(part));
  return {
    topology: artifacts.modelTopology as GraphModel['topology'],
    signature: artifacts.signature ?? {},
    weightSpecs: artifacts.weightSpecs ?? [],
    weightData: new Uint8Array(Buffer.concat(parts)),
    kernels: new Map(),
  };
}

/** An input or output: its node's name and its shape, with −1 for a dynamic dimension. */
export interface GraphPort {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Collects the nodes and weights of a graph model. */
export class GraphBuilder implements GraphWriter {
  readonly #formats: KernelFormats;
  readonly #nodes: GraphNode[] = [];
  readonly #specs: io.WeightsManifestEntry[] = [];
  readonly #data: Uint8Array[] = [];
  readonly #kernels = new Map<string, number>();

  constructor(formats: KernelFormats) {
    this.#formats = formats;
  }

  node(
    name: string,
    op: GraphOperation,
    input: readonly string[],
    attr: GraphNode['attr'] = {},
  ): string {
    return this.#add(name, op, input, { T: { type: 'DT_FLOAT' }, ...attr });
  }

  placeholder({ name, shape }: GraphPort): string {
    return this.#add(name, 'Placeholder', [], {
      dtype: { type: 'DT_FLOAT' },
      shape: { shape: dims(shape) },
    });
  }

  /**
   * The tfjs format has one scale per tensor. A quantized kernel is therefore stored divided by its
   * channels' scales, and the graph multiplies the two constants. Any tfjs program computes this
   * correctly, and it costs nothing where the loader folds it once (`shared/inference/fold-constants`).
   */
  kernel(name: string, kernel: NamedTensor, channelDimensions: 1 | 2): string {
    this.#kernels.set(name, kernel.values.length);
    const formats = this.#formats;
    const format = typeof formats === 'string' ? formats : formats.get(name);
    const shape = [...kernel.shape];
    const dtype = 'float32';
    switch (format) {
      case 'uint8':
      case 'uint16': {
        const { steps, scales } = quantizePerChannel(kernel, channelDimensions, format);
        const quantized = this.#constant(
          { name: `${name}/steps`, shape, dtype, quantization: { dtype: format, ...STEP[format] } },
          steps,
        );
        return this.node(name, 'Mul', [quantized, this.float(`${name}/scales`, scales)]);
      }
      case 'float16': {
        const halves = Float16Array.from(kernel.values);
        return this.#constant({ name, shape, dtype, quantization: { dtype: format } }, halves);
      }
      case 'float32':
        return this.float(name, kernel);
      default:
        throw new Error(`Expected a format for the kernel ${name}, but there is none.`);
    }
  }

  float(name: string, { shape, values }: NamedTensor): string {
    return this.#constant({ name, shape: [...shape], dtype: 'float32' }, values);
  }

  /** @param shape of the constant, `[values.length]` by default */
  integers(
    name: string,
    values: readonly number[],
    shape: readonly number[] = [values.length],
  ): string {
    return this.#constant({ name, shape: [...shape], dtype: 'int32' }, Int32Array.from(values));
  }

  finish(input: GraphPort, output: GraphPort): GraphModel {
    return {
      topology: { node: this.#nodes, versions: { producer: 1882 } },
      signature: {
        inputs: { [input.name]: tensorInfo(input) },
        outputs: { [output.name]: tensorInfo(output) },
      },
      weightSpecs: this.#specs,
      weightData: new Uint8Array(Buffer.concat(this.#data)),
      kernels: this.#kernels,
    };
  }

  #constant(spec: io.WeightsManifestEntry, data: ArrayBufferView): string {
    this.#specs.push(spec);
    this.#data.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const dtype = spec.dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT';
    return this.#add(spec.name, 'Const', [], {
      dtype: { type: dtype },
      value: { tensor: { dtype, tensorShape: dims(spec.shape) } },
    });
  }

  #add(
    name: string,
    op: GraphOperation,
    input: readonly string[],
    attr: GraphNode['attr'],
  ): string {
    this.#nodes.push({ name, op, input, attr });
    return name;
  }
}

/** Bytes of a weight as it is stored. */
export function bytesOf({ shape, quantization }: io.WeightsManifestEntry): number {
  const width = quantization ? { uint8: 1, uint16: 2, float16: 2 }[quantization.dtype] : 4;
  return shape.reduce((product, side) => product * side, 1) * width;
}

function dims(shape: readonly number[]): object {
  return { dim: shape.map((length) => ({ size: `${length}` })) };
}

function tensorInfo({ name, shape }: GraphPort): object {
  return { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: dims(shape) };
}
