import { expect, test } from 'vitest';
import { fuseExpansion } from './fuse-expansion.ts';
import { readNode } from './read-node.ts';

/** @param nodes as in `y = FusedDepthwiseConv2dNative(x, filter, bias)`, or `2` before the bracket for its strides */
function fuse(...nodes: readonly string[]): string[] {
  const read = nodes.map((node) => {
    const [, name = '', op = '', stride = '', input = ''] =
      /^(\S+) = (\w+?)(2?)\((.*)\)$/.exec(node) ?? [];
    const strides = { list: { i: ['1', stride || '1', stride || '1', '1'] } };
    return readNode({ name, op, input: input.split(', '), attr: { strides } }, new Map());
  });
  return fuseExpansion(read).map(({ name, op, tensors, expansion }) =>
    [`${name} = ${op}(${tensors.join(', ')})`, expansion && ` with ${expansion.name}`].join(''),
  );
}

const depthwise = 'y = FusedDepthwiseConv2dNative2(x, filter, bias)';

test('makes one node of a convolution and the depthwise one that reads it', () => {
  expect(fuse('x = _FusedConv2D(photo, wide, shift)', depthwise, 'z = Relu(y)')).toEqual([
    'y = ExpandedDepthwise(photo, wide, shift, filter, bias) with x',
    'z = Relu(y)',
  ]);
});

test.each([
  [
    'a convolution that something else reads',
    ['x = _FusedConv2D(photo, wide, shift)', depthwise, 'z = Relu(x)'],
  ],
  ['one without a bias', ['x = _FusedConv2D(photo, wide)', depthwise]],
  [
    'a depthwise one without',
    ['x = _FusedConv2D(photo, wide, shift)', 'y = FusedDepthwiseConv2dNative(x, filter)'],
  ],
  ['another operation', ['x = Relu(photo)', depthwise]],
])('leaves %s', (_, nodes) => {
  expect(fuse(...nodes)).toEqual(nodes.map((node) => node.replace('2(', '(')));
});
