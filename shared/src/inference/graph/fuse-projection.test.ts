import { expect, test } from 'vitest';
import { fuseExpansion } from './fuse-expansion.ts';
import { fuseProjection } from './fuse-projection.ts';
import { readNode } from './read-node.ts';

/** @param nodes as in `y = _FusedConv2D(x, filter, bias) Relu6` */
function fuse(...nodes: readonly string[]): string[] {
  const read = nodes.map((node) => {
    const [, name = '', op = '', input = '', activation = ''] =
      /^(\S+) = (\w+)\((.*)\) ?(\w*)$/.exec(node) ?? [];
    const fused = ['BiasAdd', ...(activation ? [activation] : [])].map((part) => btoa(part));
    const attr = { fused_ops: { list: { s: fused } } };
    return readNode({ name, op, input: input.split(', '), attr }, new Map());
  });
  return fuseProjection(fuseExpansion(read)).map(({ name, op, tensors, expanded }) =>
    [`${name} = ${op}(${tensors.join(', ')})`, expanded && ` with ${expanded.name}`].join(''),
  );
}

const expansion = 'a = _FusedConv2D(x, f, b) Relu6';
const depthwise = 'c = FusedDepthwiseConv2dNative(a, d, e) Relu6';
const projection = 'y = _FusedConv2D(c, g, h)';
const expanded = 'c = ExpandedDepthwise(x, f, b, d, e)';

test('makes one node of an inverted residual', () => {
  expect(fuse(expansion, depthwise, projection, 'z = AddV2(x, y)')).toEqual([
    'y = InvertedResidual(x, f, b, d, e, g, h) with c',
    'z = AddV2(x, y)',
  ]);
});

test.each([
  ['a middle that something else reads', [expansion, depthwise, projection, 'z = AddV2(y, c)']],
  ['one without a bias', [expansion, depthwise, 'y = _FusedConv2D(c, g)']],
  ['an expansion of any range', ['a = _FusedConv2D(x, f, b) Relu', depthwise, projection]],
  [
    'a depthwise convolution of any range',
    [expansion, 'c = FusedDepthwiseConv2dNative(a, d, e)', projection],
  ],
])('leaves %s', (_, nodes) => {
  const [, , ...others] = nodes;
  expect(fuse(...nodes)).toEqual([expanded, ...others]);
});
