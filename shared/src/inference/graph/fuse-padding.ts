import { type NodeReader, namesReadOnce } from './read-node.ts';

const convolutions: ReadonlySet<string> = new Set(['FusedDepthwiseConv2dNative', '_FusedConv2D']);

/**
 * Gives the zeros of a `Pad` to the convolution that alone reads it, as its explicit padding: that
 * reads no zeros, and the padded image need not be made. Keras' networks pad so before strides.
 *
 * @returns the nodes in their order; a convolution that pads has a constant of integers, `Pad`'s
 */
export function fusePadding(nodes: readonly NodeReader[]): NodeReader[] {
  const readOnce = namesReadOnce(nodes);
  const pads = new Map(
    nodes
      .filter(({ op, name, integers: [amounts = []] }) => {
        const isOfSides = [0, 1, 6, 7].every((place) => amounts[place] === 0);
        return op === 'Pad' && isOfSides && readOnce.has(name);
      })
      .map((node) => [node.name, node]),
  );
  const fused = new Set<NodeReader>();
  const joined = nodes.map((node) => {
    const [input = '', ...others] = node.tensors;
    const pad = pads.get(input);
    if (!pad || !convolutions.has(node.op) || node.text('padding') !== 'VALID') return node;
    fused.add(pad);
    return { ...node, tensors: [...pad.tensors, ...others], integers: pad.integers };
  });
  return joined.filter((node) => !fused.has(node));
}
