import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { packWheel } from '../../../fixtures/pack-wheel.ts';
import type { LibraryWheel } from './cuda-wheels.ts';
import { installNative } from './install-native.ts';
import type { NativeRecipe } from './native-recipe.ts';

// A whole recipe in small: a wheel with a library and its header, and an addon that calls it.
const libraryC = 'int answer(void) { return 42; }';
const headerH = 'extern "C" int answer(void);';
const addonCc = `
  #include <node_api.h>
  #include "answer.h"
  NAPI_MODULE_INIT() {
    napi_value value;
    napi_create_int32(env, answer(), &value);
    napi_set_named_property(env, exports, "answer", value);
    return exports;
  }`;

let folder: string;
let cache: string;
let recipe: NativeRecipe;
let environment: NodeJS.ProcessEnv;

describe.skipIf(!inject('native'))('installNative', () => {
  beforeEach(async () => {
    folder = await temporaryFolder();
    cache = join(folder, 'cache');
    const path = (name: string): string => join(folder, name);
    await mkdir(path('wheels'));
    await writeFile(path('answer.c'), libraryC);
    await writeFile(path('answer.h'), headerH);
    await writeFile(path('addon.cc'), addonCc);
    const link = ['-shared', '-fPIC', '-Wl,-soname,libanswer.so', '-o', path('libanswer.so')];
    execFileSync('cc', [...link, path('answer.c')]);
    const wheel = path('wheels/tiny_native-1.0-py3-none-any.whl');
    packWheel(wheel, {
      'tiny/libanswer.so': await readFile(path('libanswer.so')),
      'tiny/include/c/': '',
      'tiny/include/c/answer.h': headerH,
    });

    const libraryWheel = path('wheels/tiny_part-2.0-py3-none-any.whl');
    // The other kind of wheel, as NVIDIA's are: libraries and a program, unpacked whole.
    packWheel(libraryWheel, {
      'vendor/part/bin/tool': '#!/bin/sh',
      'vendor/part/lib/libpart.so.1': 'a library',
      'vendor/part/include/part.h': 'a header',
    });

    const describeFile = async (file: string) => {
      const bytes = await readFile(file);
      return {
        python: '3.12',
        platform: 'manylinux_2_27_x86_64',
        sha256: createHash('sha256').update(bytes).digest('hex'),
        bytes: bytes.length,
      };
    };
    const nodeHeaders = dirname(createRequire(import.meta.url).resolve('node-api-headers'));
    recipe = {
      kind: 'cuda',
      wheel: { project: 'tiny-native', version: '1.0', ...(await describeFile(wheel)) },
      libraryWheels: [
        {
          project: 'tiny-part',
          version: '2.0',
          ...(await describeFile(libraryWheel)),
          unpackedBytes: 100,
        },
      ],
      libraries: ['tiny/libanswer.so'],
      librariesBytes: 100_000,
      headers: ['c/'],
      includeRoot: 'tiny/include/',
      addons: [
        {
          name: 'tiny.node',
          sources: [path('addon.cc')],
          headers: [],
          flags: ['-DTINY'],
          linked: true,
        },
      ],
      includes: [join(nodeHeaders, 'include'), folder],
      compilerFlags: ['-std=c++20', '-fPIC', '-shared', '-Wl,-rpath,$ORIGIN/tiny'],
    };
    environment = { ...process.env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: path('wheels') };
  });

  const install = (changed: Partial<NativeRecipe> = {}, log = vi.fn()): Promise<string> =>
    installNative({ ...recipe, ...changed }, { cache, log, environment });

  test('makes an addon that loads, and keeps only what it needs', async () => {
    const log = vi.fn();
    const made = await install({}, log);
    expect(createRequire(import.meta.url)(join(made, 'tiny.node'))).toEqual({ answer: 42 });
    const files = (await readdir(made, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => relative(made, join(entry.parentPath, entry.name)));
    expect(files.sort()).toEqual([
      'sizes.json',
      'tiny.node',
      'tiny/libanswer.so',
      'vendor/part/bin/tool',
      'vendor/part/lib/libpart.so.1',
    ]);
    expect((await stat(join(made, 'vendor/part/bin/tool'))).mode & 0o111).toBe(0o111);
    expect(log.mock.calls.flat().join('\n')).toMatch(
      /Downloading tiny-native 1\.0[\s\S]*tiny-part 2\.0[\s\S]*Compiling/,
    );
  });

  test('makes the native backend in another folder, without libraries of its own', async () => {
    const made = await install({ kind: 'native', libraryWheels: [] });
    expect(createRequire(import.meta.url)(join(made, 'tiny.node'))).toEqual({ answer: 42 });
    expect((await readdir(made)).sort()).toEqual(['sizes.json', 'tiny', 'tiny.node']);
    expect(await readdir(cache)).toEqual([expect.stringMatching(/^native-1\.0-/)]);
  });

  test('makes it once', async () => {
    await install();
    const log = vi.fn();
    await install({}, log);
    expect(log).not.toHaveBeenCalled();
  });

  test('makes it anew when part of a file is missing', async () => {
    const made = await install();
    for (const file of ['tiny.node', 'vendor/part/lib/libpart.so.1']) {
      await truncate(join(made, file), 1);
      const log = vi.fn();
      await install({}, log);
      expect(log, file).toHaveBeenCalled();
      expect((await stat(join(made, file))).size).toBeGreaterThan(1);
    }
  });

  const emptyCache = async () => expect(await readdir(cache)).toEqual([]);

  test('refuses a wheel with another hash and leaves nothing', async () => {
    const wheel = { ...recipe.wheel, sha256: '0'.repeat(64) };
    await expect(install({ wheel })).rejects.toMatchObject({ code: 'download_failed' });
    await emptyCache();
    await expect(install()).resolves.toContain('cuda-1.0');
  });

  test("refuses a library's wheel with another hash and leaves nothing of the first one", async () => {
    const libraryWheels = recipe.libraryWheels.map((wheel) => ({
      ...wheel,
      sha256: '0'.repeat(64),
    }));
    await expect(install({ libraryWheels })).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining('tiny-part'),
    });
    await emptyCache();
    await expect(install()).resolves.toContain('cuda-1.0');
  });

  test('says so when the wheel cannot be had, and leaves nothing', async () => {
    environment['PIP_FIND_LINKS'] = join(folder, 'nowhere');
    await expect(install()).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining('tiny-native'),
    });
    await emptyCache();
  });

  test('names the compiler error when the addon does not compile, and leaves nothing', async () => {
    await writeFile(join(folder, 'addon.cc'), 'int broken = "text";');
    await expect(install()).rejects.toMatchObject({
      code: 'backend_unavailable',
      message: expect.stringContaining('invalid conversion'),
    });
    await emptyCache();
  });

  test('stops in the midst when told to, and leaves nothing', async () => {
    const interrupt = new AbortController();
    const reason = new Error('enough');
    // The line that comes before the second download.
    const log = (line: string) => line.includes('tiny-part') && interrupt.abort(reason);
    const options = { cache, log, environment, signal: interrupt.signal };
    await expect(installNative(recipe, options)).rejects.toBe(reason);
    await emptyCache();
  });

  test('asks for another folder when the cache cannot be written to', async () => {
    await writeFile(cache, 'a file in its place');
    await expect(install()).rejects.toMatchObject({
      code: 'backend_unavailable',
      message: expect.stringContaining('GRAFT_CACHE'),
    });
  });

  test('does not download what does not fit on the disk', async () => {
    const log = vi.fn();
    const [part] = recipe.libraryWheels as [LibraryWheel];
    for (const large of [
      { librariesBytes: 1e18 },
      { libraryWheels: [{ ...part, unpackedBytes: 1e18 }] },
      { libraryWheels: [{ ...part, bytes: 1e18 }] },
    ]) {
      await expect(install(large, log)).rejects.toMatchObject({ code: 'disk_full' });
    }
    expect(log).not.toHaveBeenCalled();
    await emptyCache();
  });

  test('looks for a compiler before it downloads', async () => {
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'python3'), '#!/bin/sh\nexit 0\n');
    await chmod(join(bin, 'python3'), 0o755);
    environment = { PATH: bin };
    const log = vi.fn();
    await expect(install({}, log)).rejects.toMatchObject({
      code: 'backend_unavailable',
      message: expect.stringContaining('compiler'),
    });
    expect(log).not.toHaveBeenCalled();
  });
});
