import { type Attribute, nodeProto, type OnnxTensor, tensorProto } from './messages.ts';

/** Collects the nodes and constants of an ONNX graph. */
export class OnnxBuilder {
  readonly nodes: Buffer[] = [];
  readonly constants: Buffer[] = [];

  /** @returns the name of its output, or of the first one */
  node(
    operation: string,
    inputs: readonly string[],
    outputs: string | readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const names = typeof outputs === 'string' ? [outputs] : outputs;
    this.nodes.push(nodeProto(operation, inputs, names, attributes));
    return names[0] as string;
  }

  constant(name: string, tensor: OnnxTensor): string {
    this.constants.push(tensorProto(name, tensor));
    return name;
  }

  floats(name: string, shape: readonly number[], values: readonly number[]): string {
    return this.constant(name, { type: 'float32', shape, data: Float32Array.from(values) });
  }

  /** @param shape a list by default */
  integers(
    name: string,
    values: readonly number[],
    shape: readonly number[] = [values.length],
  ): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.constant(name, { type: 'int64', shape, data });
  }
}
