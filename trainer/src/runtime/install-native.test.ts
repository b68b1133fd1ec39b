import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
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
const packWheel = `
import sys, zipfile
target, library, header = sys.argv[1:]
with zipfile.ZipFile(target, "w") as wheel:
    wheel.write(library, "tiny/libanswer.so")
    wheel.writestr("tiny/include/c/", "")
    wheel.write(header, "tiny/include/c/answer.h")
    info = "tiny_native-1.0.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: tiny-native\\nVersion: 1.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "")
`;

let folder: string;
let cache: string;
let recipe: NativeRecipe;
let environment: NodeJS.ProcessEnv;

describe.skipIf(!inject('native'))('installNative', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'install-native-'));
    cache = join(folder, 'cache');
    const path = (name: string): string => join(folder, name);
    await mkdir(path('wheels'));
    await writeFile(path('answer.c'), libraryC);
    await writeFile(path('answer.h'), headerH);
    await writeFile(path('addon.cc'), addonCc);
    const link = ['-shared', '-fPIC', '-Wl,-soname,libanswer.so', '-o', path('libanswer.so')];
    execFileSync('cc', [...link, path('answer.c')]);
    const wheel = path('wheels/tiny_native-1.0-py3-none-any.whl');
    execFileSync('python3', ['-c', packWheel, wheel, path('libanswer.so'), path('answer.h')]);

    const bytes = await readFile(wheel);
    const nodeHeaders = dirname(createRequire(import.meta.url).resolve('node-api-headers'));
    recipe = {
      wheel: {
        project: 'tiny-native',
        version: '1.0',
        python: '3.12',
        platform: 'manylinux_2_27_x86_64',
        sha256: createHash('sha256').update(bytes).digest('hex'),
        bytes: bytes.length,
      },
      libraries: ['tiny/libanswer.so'],
      librariesBytes: 100_000,
      headers: ['c/'],
      includeRoot: 'tiny/include/',
      addons: [{ name: 'tiny.node', sources: [path('addon.cc')], flags: ['-DTINY'], linked: true }],
      includes: [join(nodeHeaders, 'include'), folder],
      compilerFlags: ['-std=c++20', '-fPIC', '-shared', '-Wl,-rpath,$ORIGIN'],
    };
    environment = { ...process.env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: path('wheels') };
  });

  afterEach(() => rm(folder, { recursive: true }));

  const install = (changed: Partial<NativeRecipe> = {}, log = vi.fn()): Promise<string> =>
    installNative({ ...recipe, ...changed }, { cache, log, environment });

  test('makes an addon that loads, and keeps only what it needs', async () => {
    const log = vi.fn();
    const made = await install({}, log);
    expect(createRequire(import.meta.url)(join(made, 'tiny.node'))).toEqual({ answer: 42 });
    expect((await readdir(made)).sort()).toEqual(['libanswer.so', 'sizes.json', 'tiny.node']);
    expect(log.mock.calls.flat().join('\n')).toMatch(/Downloading tiny-native 1\.0.*\n.*Compiling/);
  });

  test('makes it once', async () => {
    await install();
    const log = vi.fn();
    await install({}, log);
    expect(log).not.toHaveBeenCalled();
  });

  test('makes it anew when part of a file is missing', async () => {
    const made = await install();
    await truncate(join(made, 'tiny.node'), 100);
    const log = vi.fn();
    await install({}, log);
    expect(log).toHaveBeenCalled();
    expect((await readFile(join(made, 'tiny.node'))).length).toBeGreaterThan(100);
  });

  const emptyCache = async () => expect(await readdir(cache)).toEqual([]);

  test('refuses a wheel with another hash and leaves nothing', async () => {
    const wheel = { ...recipe.wheel, sha256: '0'.repeat(64) };
    await expect(install({ wheel })).rejects.toMatchObject({ code: 'download_failed' });
    await emptyCache();
    await expect(install()).resolves.toContain('native-1.0');
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

  test('stops when told to, and leaves nothing', async () => {
    const interrupt = new AbortController();
    const reason = new Error('enough');
    const log = () => interrupt.abort(reason);
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
    await expect(install({ librariesBytes: 1e18 }, log)).rejects.toMatchObject({
      code: 'disk_full',
    });
    expect(log).not.toHaveBeenCalled();
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
