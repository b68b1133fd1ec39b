import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, test } from 'vitest';
import { buildDirectory } from './build-directory.ts';

let parent: string;
let target: string;

beforeEach(async () => {
  parent = await temporaryFolder();
  target = join(parent, 'made');
});

const fill = (text: string) => (folder: string) => writeFile(join(folder, 'file'), text);

test('puts the finished folder in place and nothing beside it', async () => {
  await buildDirectory(target, async (folder) => {
    await fill('half')(folder);
    expect(await readdir(parent)).not.toContain('made');
    await fill('whole')(folder);
  });
  expect(await readFile(join(target, 'file'), 'utf8')).toBe('whole');
  expect(await readdir(parent)).toEqual(['made']);
});

test('leaves nothing when the build fails', async () => {
  const failure = new Error('no');
  const build = async (folder: string) => {
    await fill('half')(folder);
    throw failure;
  };
  await expect(buildDirectory(target, build)).rejects.toBe(failure);
  expect(await readdir(parent)).toEqual([]);
});

test('clears away what a killed build left', async () => {
  const script = `
    import { writeFileSync } from 'node:fs';
    import { buildDirectory } from ${JSON.stringify(join(import.meta.dirname, 'build-directory.ts'))};
    await buildDirectory(${JSON.stringify(target)}, async (folder) => {
      writeFileSync(folder + '/file', 'half');
      console.log('half');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(await readdir(parent)).toEqual([expect.stringMatching(/^made\.partial\./)]);

  await buildDirectory(target, fill('whole'));
  expect(await readdir(parent)).toEqual(['made']);
  expect(await readFile(join(target, 'file'), 'utf8')).toBe('whole');
});

test('lets two builds of the same folder both succeed', async () => {
  await Promise.all([buildDirectory(target, fill('one')), buildDirectory(target, fill('two'))]);
  expect(await readdir(parent)).toEqual(['made']);
  expect(await readFile(join(target, 'file'), 'utf8')).toMatch(/one|two/);
});
