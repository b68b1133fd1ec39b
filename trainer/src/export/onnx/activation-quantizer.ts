import type { ActivationRange } from './activation-ranges.ts';
import type { OnnxBuilder } from './onnx-builder.ts';

/**
 * Writes pairs of `QuantizeLinear` and `DequantizeLinear` after activations, by which runtimes know to compute what lies
 * between in 8 bits.
 */
export class ActivationQuantizer {
  readonly #graph: OnnxBuilder;
  readonly #ranges: ReadonlyMap<string, ActivationRange>;
  /** The step of each value that was written. */
  readonly scales = new Map<string, number>();

  /** @param ranges by the graph's names; what has none stays as it is */
  constructor(graph: OnnxBuilder, ranges: ReadonlyMap<string, ActivationRange>) {
    this.#graph = graph;
    this.#ranges = ranges;
  }

  /** @returns the name of the value in steps */
  write(node: string, value: string): string {
    const range = this.#ranges.get(node);
    if (!range) return value;
    const graph = this.#graph;
    const scale = Math.fround((range.high - range.low) / 255) || 1;
    const zero = Uint8Array.of(Math.round(-range.low / scale));
    const parameters = [
      graph.floats(`${value}/step`, [], [scale]),
      graph.constant(`${value}/zero`, { type: 'uint8', shape: [], data: zero }),
    ];
    const steps = graph.node('QuantizeLinear', [value, ...parameters], `${value}/in-steps`);
    const name = graph.node('DequantizeLinear', [steps, ...parameters], `${value}/quantized`);
    this.scales.set(name, scale);
    return name;
  }
}
