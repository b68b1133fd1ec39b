import { expect, test } from 'vitest';
import { dimensionsFor } from './index-size.ts';
import { JoinedIndex, openIndex } from './join-indexes.ts';
import { openVectorIndex } from './vector-index-node.ts';
import { writeVectorIndex } from './write-vector-index.ts';

/** Normally distributed enough, and the same each time. */
function vectorsOf(count: number, dimensions: number, seed: number): Float32Array {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return Float32Array.from({ length: count * dimensions }, () => next() + next() + next());
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) =>
    x.reduce((sum, value, at) => sum + value * (y[at] as number), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

const namesOf = (count: number) => Array.from({ length: count }, (_, at) => `cats/${at} é.jpg`);

test.each([
  [1, 1],
  [3, 16],
  [4, 33],
  [101, 1280],
  [1003, 256],
])('finds the nearest of %i vectors of %i dimensions', async (count, dimensions) => {
  const vectors = vectorsOf(count, dimensions, 1);
  const names = namesOf(count);
  const index = await openVectorIndex(
    writeVectorIndex({ model: 'm@1', vectors, dimensions, names }),
  );
  expect(index.header).toMatchObject({ model: 'm@1', width: dimensions, dimensions, count });
  const query = vectorsOf(1, dimensions, 2);
  const found = index.nearest(index.toVector(query), 10);
  const expected = names
    .map((image, at) => ({
      image,
      similarity: cosine(query, vectors.subarray(at * dimensions, (at + 1) * dimensions)),
    }))
    .sort((a, b) => b.similarity - a.similarity);
  expect(found).toHaveLength(Math.min(10, count));
  for (const [at, { image, similarity }] of found.entries()) {
    const own = expected.find((one) => one.image === image);
    expect(Math.abs(similarity - (own?.similarity ?? 2))).toBeLessThan(0.005);
    expect(Math.abs(similarity - (expected[at]?.similarity ?? 2))).toBeLessThan(0.005);
  }
  const copy = vectors.slice((count - 1) * dimensions);
  const [first] = index.nearest(index.toVector(copy), 1);
  expect(first?.image).toBe(names.at(-1));
  expect(first?.similarity).toBeGreaterThan(0.9995);
});

test('the largest sums stay within 32 bits', async () => {
  const dimensions = 2048;
  const vectors = new Float32Array(dimensions).fill(-1);
  const index = await openVectorIndex(
    writeVectorIndex({ model: 'm@1', vectors, dimensions, names: ['all'] }),
  );
  const [same] = index.nearest(index.toVector(vectors), 1);
  expect(same?.similarity).toBeCloseTo(1, 5);
  const [opposite] = index.nearest(index.toVector(vectors.map((value) => -value)), 1);
  expect(opposite?.similarity).toBeCloseTo(-1, 5);
});

test('projects embeddings, and gives equal ones in order', async () => {
  // Of [x, y, z], the vectors are [z, x].
  const projection = Float32Array.from([0, 0, 1, 1, 0, 0]);
  const vectors = Float32Array.from([1, 0, 0, 1, 0, 0, 1, 0]);
  const names = ['z', 'x', 'nothing', 'z again'];
  const index = await openVectorIndex(
    writeVectorIndex({ model: 'm@1', vectors, dimensions: 2, names, projection }),
  );
  expect([...index.toVector(Float32Array.of(3, 100, 4))]).toEqual([
    Math.fround(0.8),
    Math.fround(0.6),
  ]);
  const found = index.nearest(index.toVector(Float32Array.of(3, 100, 4)), 4);
  expect(found.map(({ image }) => image)).toEqual(['z', 'z again', 'x', 'nothing']);
  expect(found[0]?.similarity).toBeCloseTo(0.8, 4);
  expect(() => index.toVector(new Float32Array(2))).toThrow('Expected an embedding of 3 values');
});

test('refuses what is no index', async () => {
  const file = writeVectorIndex({
    ...{ model: 'm@1', dimensions: 16, names: ['a'] },
    vectors: vectorsOf(1, 16, 1),
  });
  await expect(openVectorIndex(file.subarray(0, -1))).rejects.toThrow('bytes, but got');
  await expect(openVectorIndex(new Uint8Array(9))).rejects.toThrow('another file');
  await expect(openVectorIndex(new TextEncoder().encode('PK, and more'))).rejects.toThrow(
    'another file',
  );
});

test.each([
  [1280, 1, 1280],
  [1280, 26_214, 1280],
  [1280, 26_215, 1264],
  [1280, 100_000, 320],
  [84, 100_000, 84],
])('of %i features, %i images get as many as there is room for', (width, count, dimensions) => {
  expect(dimensionsFor(width, count)).toBe(dimensions);
});

test.each([
  ['whole', undefined],
  ['projected', vectorsOf(33, 50, 5)],
])('parts of %s embeddings are joined to the index of all', async (_, projection) => {
  const dimensions = 33;
  const vectors = vectorsOf(7, dimensions, 1);
  const names = namesOf(7);
  const write = (from: number, to: number) =>
    writeVectorIndex({
      ...{ model: 'm@1', dimensions, names: names.slice(from, to) },
      vectors: vectors.slice(from * dimensions, to * dimensions),
    });
  const common = { model: 'm@1', dimensions, ...(projection && { projection }) };
  const first = writeVectorIndex({ ...common, vectors: new Float32Array(), names: [] });
  const parts = [write(0, 3), write(3, 3), write(3, 7)];
  const open = (file: Uint8Array) =>
    openIndex(file.length, async (length) => file.slice(0, length));
  const opened = await Promise.all(parts.map(open));
  const index = new JoinedIndex(await open(first), opened);
  const codes = parts.map((part, at) => part.subarray(opened[at]?.layout.codes));
  const joined = Buffer.concat([await index.readStart(), ...codes]);
  expect(joined).toHaveLength(index.bytes);
  expect(joined.equals(writeVectorIndex({ ...common, vectors, names }))).toBe(true);
});
