import { execFile } from 'node:child_process';
import { chmod, copyFile, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { beforeEach, expect, test, vi } from 'vitest';
import { asNobody } from '../../../fixtures/as-nobody.ts';
import { usePhotoTree } from '../../../fixtures/photo-tree.ts';
import { type InspectOptions, inspectFolder } from './inspect-folder.ts';
import { describeProblems } from './inspection-report.ts';

const tree = usePhotoTree();
beforeEach(async () => {
  vi.stubEnv('GRAFT_CACHE', join(tree.root, 'cache'));
  await putImages('cat', 3, 10);
  await putImages('dog', 3, 20);
});

const at = (path: string) => join(tree.root, 'pets', path);

/** Images whose bytes differ. */
async function putImages(name: string, count: number, shade: number): Promise<void> {
  await tree.put(`pets/${name}/`);
  for (let i = 0; i < count; i++) {
    const background = { r: shade + i, g: 100, b: 50 };
    const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
    await image.png().toFile(at(`${name}/${i}.png`));
  }
}

async function inspect(options: Partial<InspectOptions> = {}) {
  const all: InspectOptions = {
    ...{ purpose: 'training', size: 32, strict: false, ...options },
    signal: new AbortController().signal,
    startProgress: () => ({ advance: () => {}, stop: () => {} }),
  };
  const inspection = await inspectFolder(at(''), all);
  const problems = describeProblems(inspection, all.purpose);
  return { images: inspection.photos.train.length, problems };
}

test.each([
  ['a pipe', 'cat/pipe.jpg', /cat\/pipe\.jpg, but: it is neither a file nor a folder\. /],
  ['a link to a device', 'cat/zero.jpg', /cat\/zero\.jpg, but: it is a link out of the folder\. /],
  ['a broken link', 'dog/broken.jpg', /dog\/broken\.jpg, but: it is a broken link\. /],
  [
    'a file as large as a film',
    'dog/film.jpg',
    /dog\/film\.jpg, but: The file has more than 256 MiB\. /,
  ],
])('skips %s, and fails at it where it is strict', async (what, path, message) => {
  if (what === 'a pipe') await promisify(execFile)('mkfifo', [at(path)]);
  else if (what.includes('device')) await symlink('/dev/zero', at(path));
  else if (what.includes('link')) await symlink('missing.jpg', at(path));
  else {
    await copyFile(at('dog/0.png'), at(path));
    // A hole, which takes no room on the disk, and would in memory.
    await truncate(at(path), 2 ** 33);
  }
  const { images, problems } = await inspect();
  expect(images).toBe(6);
  expect(problems).toEqual([expect.stringContaining(`: 1 (${path}).`)]);
  await expect(inspect({ strict: true })).rejects.toThrow(message);
});

test('reports a file that may not be read, and reads it once it may', async () => {
  await putImages('dog', 4, 20);
  await chmod(tree.root, 0o755);
  await chmod(at('dog/3.png'), 0);
  const { images, problems } = await asNobody(inspect);
  expect(images).toBe(6);
  expect(problems).toEqual([
    'Skipped, since they cannot be read (see their permissions): 1 (dog/3.png).',
  ]);
  await chmod(at('dog/3.png'), 0o644);
  expect(await inspect()).toEqual({ images: 7, problems: [] });
});

test('gives no advice on training where it only measures', async () => {
  await putImages('dog', 30, 20);
  await copyFile(at('dog/10.png'), at('dog/twice.png'));
  expect((await inspect()).problems).toEqual([
    'More than once, byte for byte; copies go into the same split: 1 (dog/twice.png = dog/10.png).',
    expect.stringContaining('--stage1.classWeights balanced'),
  ]);
  expect((await inspect({ purpose: 'measuring' })).problems).toEqual([
    'More than once, byte for byte: 1 (dog/twice.png = dog/10.png).',
  ]);
});
