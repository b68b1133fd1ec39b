import { expect, test } from 'vitest';
import { fusePadding } from './fuse-padding.ts';
import { readNode } from './read-node.ts';

const sides = [0, 0, 1, 2, 0, 3, 0, 0];

/** A `Pad` of `photo`, by `amounts`, and what reads it. */
function fuse(amounts: number[], ...readers: readonly { op: string; padding?: string }[]) {
  const constants = new Map([['amounts', amounts]]);
  const pad = readNode({ name: 'pad', op: 'Pad', input: ['photo', 'amounts'] }, constants);
  const reading = readers.map(({ op, padding = 'VALID' }, i) =>
    readNode(
      { name: `y${i}`, op, input: ['pad', 'kernel'], attr: { padding: { s: btoa(padding) } } },
      constants,
    ),
  );
  return fusePadding([pad, ...reading]).map(({ name, tensors, integers }) => [
    name,
    tensors.join(),
    integers.join(),
  ]);
}

test.each(['_FusedConv2D', 'FusedDepthwiseConv2dNative'])('gives its zeros to a %s', (op) => {
  expect(fuse(sides, { op })).toEqual([['y0', 'photo,kernel', '0,0,1,2,0,3,0,0']]);
});

test.each([
  ['one that two read', sides, [{ op: '_FusedConv2D' }, { op: '_FusedConv2D' }]],
  ['one of a pooling', sides, [{ op: 'MaxPool' }]],
  ['one of a convolution that pads by itself', sides, [{ op: '_FusedConv2D', padding: 'SAME' }]],
  ['one of channels', [0, 0, 1, 1, 1, 1, 0, 4], [{ op: '_FusedConv2D' }]],
])('leaves %s', (_, amounts, readers) => {
  expect(fuse(amounts, ...readers)[0]).toEqual(['pad', 'photo', amounts.join()]);
});
