import { type NodeReader, namesReadOnce } from './read-node.ts';

/**
 * Makes one node, `Swish`, of each `Mul(x, Sigmoid(x))` whose sigmoid nothing else reads: TensorFlow's
 * graphs have no operation like it, and EfficientNet has one after most convolutions.
 *
 * @returns the nodes in their order, named as before
 */
export function fuseSwish(nodes: readonly NodeReader[]): NodeReader[] {
  const readOnce = namesReadOnce(nodes);
  const gates = new Map(
    nodes
      .filter(({ op, name }) => op === 'Sigmoid' && readOnce.has(name))
      .map((node) => [node.name, node]),
  );
  const fused = new Set<NodeReader>();
  const joined = nodes.map((node) => {
    if (node.op !== 'Mul') return node;
    const gate = node.tensors
      .map((reference) => gates.get(reference))
      .find((sigmoid) => sigmoid?.tensors.every((x) => node.tensors.includes(x)));
    if (!gate) return node;
    fused.add(gate);
    return { ...node, op: 'Swish', tensors: gate.tensors };
  });
  return joined.filter((node) => !fused.has(node));
}
