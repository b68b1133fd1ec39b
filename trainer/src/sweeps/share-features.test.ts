import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type S3Server, s3Environment, startS3 } from '../../fixtures/servers/s3-server.ts';
import { openShared } from './share-features.ts';

const NAME = 'abc/0001.safetensors';

let folder: string;
let server: S3Server;
let said: string[];

beforeEach(async () => {
  folder = await temporaryFolder();
  server = await startS3();
  for (const [name, value] of Object.entries(s3Environment(server.endpoint)))
    vi.stubEnv(name, value);
  said = [];
  await writeFile(join(folder, 'mine'), 'features');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

const open = (place: string) => openShared(place, (line) => said.push(line));

/** What a second machine gets. */
async function fetched(place: string, name = NAME): Promise<string | undefined> {
  const path = join(folder, 'there', name);
  await open(place)?.fetch(name, path);
  return readFile(path, 'utf8').catch(() => undefined);
}

test.each([
  ['a folder', () => join(folder, 'shared')],
  ['a bucket', () => 's3://features/of sweeps/'],
])('what one machine keeps in %s, another one finds', async (_, placeOf) => {
  const place = placeOf();
  expect(await fetched(place)).toBeUndefined();
  await open(place)?.store(NAME, join(folder, 'mine'));
  expect(await fetched(place)).toBe('features');
  expect(await fetched(place, 'abc/0002.safetensors')).toBeUndefined();
  expect(said).toEqual([]);
});

test('keeps them under the bucket, the prefix and the name, and in a folder nothing else', async () => {
  await open('s3://features/sweeps')?.store(NAME, join(folder, 'mine'));
  await open('s3://features')?.store(NAME, join(folder, 'mine'));
  expect([...server.objects.keys()]).toEqual([`features/sweeps/${NAME}`, `features/${NAME}`]);
  const shared = join(folder, 'shared');
  await Promise.all([1, 2, 3].map(() => open(shared)?.store(NAME, join(folder, 'mine'))));
  expect(await readdir(join(shared, 'abc'))).toEqual(['0001.safetensors']);
});

test('says once what keeps it from sharing, and goes on alone', async () => {
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another');
  const bucket = open('s3://features');
  for (const name of [NAME, 'abc/0002.safetensors']) await bucket?.fetch(name, join(folder, 'x'));
  await bucket?.store(NAME, join(folder, 'mine'));
  expect(said).toEqual([
    `Features will not be shared at s3://features: ${server.endpoint} answered with status 403.`,
  ]);
  await mkdir(join(folder, 'file'));
  await writeFile(join(folder, 'file/abc'), '');
  await open(join(folder, 'file'))?.store(NAME, join(folder, 'mine'));
  expect(said[1]).toContain('Features will not be shared at');
  expect(openShared(null, () => {})).toBeUndefined();
});
