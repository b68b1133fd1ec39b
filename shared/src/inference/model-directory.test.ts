import { createHash } from 'node:crypto';
import type { io } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { core } from 'zod/mini';
import card from '../../fixtures/model-card.json' with { type: 'json' };
import { type ReadFile, readModelCard, readModelDirectory } from './model-directory.ts';

const weights = [
  { name: 'kernel', shape: [2], dtype: 'float32' },
  { name: 'bias', shape: [1], dtype: 'float32' },
];

const json = {
  format: 'graph-model',
  modelTopology: { node: [{ name: 'x', op: 'Placeholder' }], versions: { producer: 1882 } },
  weightsManifest: [{ paths: ['shard1of2.bin', 'shard2of2.bin'], weights }],
  userDefinedMetadata: { card },
};

function directory(model: unknown): ReadFile {
  const files = new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(model))],
    ['shard1of2.bin', Uint8Array.of(0, 1, 2, 3, 4)],
    ['shard2of2.bin', Uint8Array.of(5, 6, 7, 8, 9, 10, 11)],
  ]);
  return async (name) => {
    const file = files.get(name);
    if (!file) throw new Error(`There is no file ${name}.`);
    return file;
  };
}

function bytesOf({ weightData }: io.ModelArtifacts): number[] {
  return (weightData as ArrayBuffer[]).flatMap((buffer) => [...new Uint8Array(buffer)]);
}

test('gives the topology, the card, and the shards in order', async () => {
  const { artifacts, card: read } = await readModelDirectory(directory(json));
  expect(read).toEqual(card);
  expect(artifacts.modelTopology).toEqual(json.modelTopology);
  expect(artifacts.weightSpecs).toEqual(weights);
  expect(bytesOf(artifacts)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('takes the shards in the order of model.json, whichever comes first', async () => {
  const files = directory(json);
  const read: ReadFile = async (name) => {
    if (name === 'shard1of2.bin') await new Promise((resolve) => setTimeout(resolve, 20));
    return files(name);
  };
  const { artifacts } = await readModelDirectory(read);
  expect(bytesOf(artifacts).slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5]);
});

test('puts the weights of several groups together', async () => {
  const [kernel, bias] = weights;
  const groups = [
    { paths: ['shard2of2.bin'], weights: [bias] },
    { paths: ['shard1of2.bin'], weights: [kernel] },
  ];
  const { artifacts } = await readModelDirectory(directory({ ...json, weightsManifest: groups }));
  expect(artifacts.weightSpecs).toEqual([bias, kernel]);
  expect(bytesOf(artifacts)[0]).toBe(5);
});

test('takes the version from the bytes of model.json', async () => {
  const bytes = await directory(json)('model.json');
  const expected = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  expect((await readModelDirectory(directory(json))).version).toBe(expected);
  const other = { ...json, userDefinedMetadata: { card: { ...card, title: 'Another' } } };
  expect((await readModelDirectory(directory(other))).version).not.toBe(expected);
});

test('reads the card and the version without the weights', async () => {
  const files = directory(json);
  const asked: string[] = [];
  const answer = await readModelCard((name) => {
    asked.push(name);
    return files(name);
  });
  expect(asked).toEqual(['model.json']);
  const { version } = await readModelDirectory(files);
  expect(answer).toEqual({ card, version, json: await files('model.json') });
});

test.each([
  ['modelTopology', { modelTopology: undefined }],
  ['modelTopology.node', { modelTopology: {} }],
  ['weightsManifest', { weightsManifest: undefined }],
  ['weightsManifest.0.paths.0', { weightsManifest: [{ paths: ['../secret.bin'], weights }] }],
  ['weightsManifest.0.paths.0', { weightsManifest: [{ paths: ['/etc/passwd'], weights }] }],
  ['weightsManifest.0.paths.0', { weightsManifest: [{ paths: ['..'], weights }] }],
  ['weightsManifest.0.weights.0', { weightsManifest: [{ paths: [], weights: [null] }] }],
  ['weightsManifest.0.weights.0', { weightsManifest: [{ paths: [], weights: ['kernel'] }] }],
  ['userDefinedMetadata', { userDefinedMetadata: undefined }],
  ['userDefinedMetadata.card.id', { userDefinedMetadata: { card: { ...card, id: 'A B' } } }],
])('names %s where it is wrong', async (path, change) => {
  const read = directory({ ...json, ...change });
  for (const reading of [readModelDirectory(read), readModelCard(read)]) {
    const error = await reading.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(core.$ZodError);
    expect((error as core.$ZodError).issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  }
});

test.each([{ name: 1 }, { shape: [-1] }, { shape: [1.5] }, { shape: 2 }, { dtype: 'string' }])(
  'names a weight with %j',
  async (fault) => {
    const weightsManifest = [{ paths: [], weights: [weights[0], { ...weights[1], ...fault }] }];
    const reading = readModelCard(directory({ ...json, weightsManifest }));
    await expect(reading).rejects.toMatchObject({
      issues: [{ path: ['weightsManifest', 0, 'weights', 1] }],
    });
  },
);

test('passes on that a shard is missing', async () => {
  const read = directory({ ...json, weightsManifest: [{ paths: ['shard3.bin'], weights }] });
  await expect(readModelDirectory(read)).rejects.toThrow('There is no file shard3.bin.');
});
