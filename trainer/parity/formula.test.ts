import { expect, test } from 'vitest';
import { hashOf, signedValues, weightValues } from './formula.ts';

// Every expected value is what parity/formula.py computes.

test('hashes names as FNV-1a does', () => {
  // From the reference implementation's test vectors.
  expect(hashOf('')).toBe(0x811c9dc5);
  expect(hashOf('foobar')).toBe(0xbf9cf968);
});
test('makes the numbers that Keras is given', () => {
  expect([...signedValues('input', 4)]).toEqual([
    0.5980662107467651, 0.3703484535217285, 0.9605294466018677, -0.9915207624435425,
  ]);
  expect(signedValues('input', 100_000)[99_999]).toBe(-0.12171995639801025);
});

test.each<[string, number[], number[]]>([
  ['conv1/kernel', [3, 3, 3, 2], [-0.05917029827833176, -0.41166388988494873, 0.14279767870903015]],
  [
    'a/depthwise_kernel',
    [3, 3, 8, 1],
    [0.2640562951564789, 0.3479607105255127, -0.35717880725860596],
  ],
  ['fc/kernel', [10, 4], [0.7037265300750732, -0.25136852264404297, -0.5761342644691467]],
  ['b/gamma', [3], [1.2738062143325806, 1.4579417705535889, 0.7366530299186707]],
  ['b/moving_variance', [3], [0.5671640634536743, 0.8148567080497742, 1.371349811553955]],
  ['b/beta', [3], [-0.12067359685897827, 0.010608851909637451, -0.11086249351501465]],
  ['b/bias', [3], [-0.10440516471862793, 0.053786903619766235, -0.04311147332191467]],
  ['b/moving_mean', [3], [-0.06711313128471375, -0.053404927253723145, -0.03071950376033783]],
])('makes %s of shape %j as Keras gets it', (name, shape, first) => {
  const values = weightValues(name, shape, 6);
  expect(values).toHaveLength(shape.reduce((product, length) => product * length, 1));
  expect([...values.subarray(0, 3)]).toEqual(first);
});
