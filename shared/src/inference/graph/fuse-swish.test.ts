import { expect, test } from 'vitest';
import { fuseSwish } from './fuse-swish.ts';
import { readNode } from './read-node.ts';

/** @param node as in `y = Mul(x, gate)` */
function fuse(...nodes: readonly string[]): string[] {
  const read = nodes.map((node) => {
    const [, name = '', op = '', input = ''] = /^(\S+) = (\w+)\((.*)\)$/.exec(node) ?? [];
    return readNode({ name, op, input: input.split(', ') }, new Map());
  });
  return fuseSwish(read).map(({ name, op, tensors }) => `${name} = ${op}(${tensors.join(', ')})`);
}

test.each(['Mul(x, gate)', 'Mul(gate, x)', 'Mul(gate:0, x)'])('makes one node of %s', (product) => {
  expect(fuse('x = Relu(photo)', 'gate = Sigmoid(x)', `y = ${product}`, 'z = Relu(y)')).toEqual([
    'x = Relu(photo)',
    'y = Swish(x)',
    'z = Relu(y)',
  ]);
});

test('fuses the swish of a swish, and of another output than the first', () => {
  expect(
    fuse('gate = Sigmoid(x:1)', 'y = Mul(x:1, gate)', 'gate2 = Sigmoid(y)', 'z = Mul(gate2, y)'),
  ).toEqual(['y = Swish(x:1)', 'z = Swish(y)']);
});

test.each([
  ['a sigmoid that something else reads', 'y = Mul(x, gate)', 'z = AddV2(y, gate)'],
  ['a sigmoid that two products read', 'y = Mul(x, gate)', 'z = Mul(x, gate)'],
  ['the sigmoid of something else', 'y = Mul(features, gate)'],
  ['a sigmoid times itself', 'y = Mul(gate, gate)'],
  ['a sum', 'y = AddV2(x, gate)'],
])('leaves %s', (_, ...readers) => {
  expect(fuse('gate = Sigmoid(x)', ...readers)).toEqual(['gate = Sigmoid(x)', ...readers]);
});
