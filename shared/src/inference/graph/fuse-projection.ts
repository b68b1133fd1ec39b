import { activationOf } from './operations.ts';
import { type NodeReader, namesReadOnce } from './read-node.ts';

/**
 * Makes one node, `InvertedResidual`, of an `ExpandedDepthwise` and the convolution that alone reads it, where all that is in
 * between comes out of a ReLU6: kernels of 8 bits know its range.
 *
 * @returns the nodes in their order, named as before
 */
export function fuseProjection(nodes: readonly NodeReader[]): NodeReader[] {
  const readOnce = namesReadOnce(nodes);
  const expanded = new Map(
    nodes
      .filter((node) => {
        const parts = [node, node.expansion];
        return (
          readOnce.has(node.name) && parts.every((part) => part && activationOf(part) === 'relu6')
        );
      })
      .map((node) => [node.name, node]),
  );
  const fused = new Set<NodeReader>();
  const joined = nodes.map((node) => {
    const [input = '', ...others] = node.tensors;
    const wide = expanded.get(input);
    if (!wide || node.op !== '_FusedConv2D' || others.length !== 2) return node;
    fused.add(wide);
    return {
      ...node,
      op: 'InvertedResidual',
      tensors: [...wide.tensors, ...others],
      expanded: wide,
    };
  });
  return joined.filter((node) => !fused.has(node));
}
