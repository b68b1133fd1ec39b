import type { GraphOperation } from 'shared/inference/graph/operations';
import type { NamedTensor } from './named-tensor.ts';

/** Writes the graph nodes of a step: each method adds a node and returns its name. */
export interface GraphWriter {
  /** An operation on float32 values. */
  node(
    name: string,
    op: GraphOperation,
    input: readonly string[],
    attr?: Readonly<Record<string, unknown>>,
  ): string;
  /**
   * A kernel, in the format that the export has chosen for it.
   *
   * @param channelDimensions how many of its last dimensions make an output channel
   */
  kernel(name: string, kernel: NamedTensor, channelDimensions: 1 | 2): string;
  float(name: string, tensor: NamedTensor): string;
  /** @param shape of the constant; by default a list, `[values.length]` */
  integers(name: string, values: readonly number[], shape?: readonly number[]): string;
}

/** GraphDef's JSON form holds strings in base64. */
export function text(value: string): { s: string } {
  return { s: Buffer.from(value).toString('base64') };
}

/** An attribute that is a list of integers. */
export function numbers(values: readonly number[]): object {
  return { list: { i: values.map(String) } };
}

/** The type of an operation's index inputs. */
export function integerType(name: string): Readonly<Record<string, unknown>> {
  return { [name]: { type: 'DT_INT32' } };
}

/** The attributes that say what a fused operation applies after its product. */
export function fusedOps(names: readonly string[]): object {
  return { num_args: { i: '1' }, fused_ops: { list: { s: names.map((name) => text(name).s) } } };
}
