import type { io } from '@tensorflow/tfjs';
import type { GraphOperation } from 'shared/graph-operations';
import type { NamedTensor } from '../weights/safetensors.ts';
import { quantizePerChannel, STEP } from './quantize.ts';

export type QuantizationScheme = 'float32' | 'uint8-per-channel';

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
}

/** An input or output: its node's name and its shape, −1 where it is open. */
export interface GraphPort {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Gathers nodes and weights; each method adds a node and returns its name. */
export class GraphBuilder {
  readonly #scheme: QuantizationScheme;
  readonly #nodes: GraphNode[] = [];
  readonly #specs: io.WeightsManifestEntry[] = [];
  readonly #data: Uint8Array[] = [];

  constructor(scheme: QuantizationScheme) {
    this.#scheme = scheme;
  }

  /** An operation on float32 values. */
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
   * The tfjs format has one scale a tensor. So the kernel is stored divided by its channels'
   * scales, and the graph multiplies two constants: right in any tfjs program, and free where
   * the loader folds it once (`shared/fold-constants`).
   */
  kernel(name: string, kernel: NamedTensor, channelDimensions: 1 | 2): string {
    if (this.#scheme === 'float32') return this.float(name, kernel);
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
    return this.node(name, 'Mul', [quantized, this.float(`${name}/scales`, scales)]);
  }

  float(name: string, { shape, values }: NamedTensor): string {
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return this.#constant({ name, shape: [...shape], dtype: 'float32' }, data);
  }

  /** @param shape of the constant; by default a list, `[values.length]` */
  integers(
    name: string,
    values: readonly number[],
    shape: readonly number[] = [values.length],
  ): string {
    const data = new Uint8Array(Int32Array.from(values).buffer);
    return this.#constant({ name, shape: [...shape], dtype: 'int32' }, data);
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
    };
  }

  #constant(spec: io.WeightsManifestEntry, data: Uint8Array): string {
    this.#specs.push(spec);
    this.#data.push(data);
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

/** GraphDef's JSON form holds strings in base64. */
export function text(value: string): { s: string } {
  return { s: Buffer.from(value).toString('base64') };
}

/** An attribute that is a list of numbers. */
export function numbers(values: readonly number[]): object {
  return { list: { i: values.map(String) } };
}

function dims(shape: readonly number[]): object {
  return { dim: shape.map((length) => ({ size: `${length}` })) };
}

function tensorInfo({ name, shape }: GraphPort): object {
  return { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: dims(shape) };
}
