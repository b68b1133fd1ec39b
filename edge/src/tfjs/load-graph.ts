import '@tensorflow/tfjs-converter/dist/flags.js';
import { GraphExecutor } from '@tensorflow/tfjs-converter/dist/executor/graph_executor.js';
import { OperationMapper } from '@tensorflow/tfjs-converter/dist/operations/operation_mapper.js';
import type * as tf from '@tensorflow/tfjs-core';
import { tensorOf } from 'shared/cnn/dequantize';
import { type FoldedGraph, nodeOf } from 'shared/fold-constants';
import { graphOperations } from 'shared/graph-operations';

/** A graph of one input and one output, ready to run. */
export interface Graph {
  /** @returns the output, which the caller disposes */
  run(input: tf.Tensor): tf.Tensor;
  dispose(): void;
}

type GraphDef = Parameters<OperationMapper['transformGraph']>[0];

const known: ReadonlySet<string> = new Set(graphOperations);

/**
 * What tfjs-converter's `loadGraphModel` does, on its parts: that function has all of tfjs' ways to
 * read files with it, and copies the weights once more.
 *
 * @param graph as the trainer wrote it, folded
 * @throws Error for an operation that the Worker has no code of
 */
export function loadGraph({ topology, weights }: FoldedGraph): Graph {
  const foreign = topology.node.filter(({ op }) => !known.has(op));
  if (foreign.length > 0) {
    const names = [...new Set(foreign.map(({ op }) => op))].join(', ');
    throw new Error(
      `The model has operations that the trainer does not write: ${names}. The Worker runs ${graphOperations.join(', ')}.`,
    );
  }
  const executor = new GraphExecutor(OperationMapper.Instance.transformGraph(topology as GraphDef));
  const others = otherThanFactors(topology);
  executor.weightMap = Object.fromEntries(
    weights.map((weight) => [weight.name, [tensorOf(weight, !others.has(weight.name))]]),
  );
  const [input] = executor.inputNodes as [string];
  return {
    run: (tensor) => executor.execute({ [input]: tensor }, executor.outputNodes)[0] as tf.Tensor,
    dispose: () => executor.dispose(),
  };
}

/** Names of all that is not but the right factor of products and convolutions that our kernels cover. */
function otherThanFactors({ node }: FoldedGraph['topology']): Set<string> {
  return new Set(
    node.flatMap((one) => {
      const names = (one.input ?? []).map(nodeOf);
      return hasFactor(one) ? names.filter((_, place) => place !== 1) : names;
    }),
  );
}

function hasFactor({ op, attr }: FoldedGraph['topology']['node'][number]): boolean {
  const { fused_ops, dilations, data_format, transpose_a, transpose_b } = (attr ??
    {}) as Attributes;
  const isCovered = (fused_ops?.list.s ?? []).every((name) => COVERED.has(atob(name)));
  if (op === '_FusedMatMul') return isCovered && !transpose_a?.b && !transpose_b?.b;
  return (
    op === '_FusedConv2D' &&
    isCovered &&
    atob(data_format?.s ?? '') === 'NHWC' &&
    (dilations?.list.i ?? []).every((step) => Number(step) === 1)
  );
}

const COVERED: ReadonlySet<string> = new Set(['BiasAdd', 'Relu', 'Relu6']);

/** As tfjs' JSON has them, text in base64. */
interface Attributes {
  readonly fused_ops?: { readonly list: { readonly s?: readonly string[] } };
  readonly dilations?: { readonly list: { readonly i?: readonly string[] } };
  readonly data_format?: { readonly s: string };
  readonly transpose_a?: { readonly b: boolean };
  readonly transpose_b?: { readonly b: boolean };
}
