import { type NodeReader, namesReadOnce } from './read-node.ts';

/**
 * Makes one node, `ExpandedDepthwise`, of a convolution and the depthwise one that alone reads it, as in the
 * inverted residuals of MobileNetV2 (Sandler et al., CVPR 2018) and the stem before them: what is in between is
 * several times as large as what goes in, and need not be made as a whole.
 *
 * @returns the nodes in their order, named as before
 */
export function fuseExpansion(nodes: readonly NodeReader[]): NodeReader[] {
  const readOnce = namesReadOnce(nodes);
  const expansions = new Map(
    nodes
      .filter((node) => {
        const [, , bias] = node.tensors;
        return node.op === '_FusedConv2D' && bias !== undefined && readOnce.has(node.name);
      })
      .map((node) => [node.name, node]),
  );
  const fused = new Set<NodeReader>();
  const joined = nodes.map((node) => {
    const [input = '', filter, bias] = node.tensors;
    const expansion = expansions.get(input);
    if (!expansion || node.op !== 'FusedDepthwiseConv2dNative' || !filter || !bias) return node;
    fused.add(expansion);
    const tensors = [...expansion.tensors, filter, bias];
    return { ...node, op: 'ExpandedDepthwise', tensors, expansion };
  });
  return joined.filter((node) => !fused.has(node));
}
