import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildRoundTripNetwork } from '../../fixtures/round-trip-network.ts';
import { weightValues } from '../../parity/formula.ts';
import { startBackend } from '../backends/start-backend.ts';
import { hashWeights } from './hash-weights.ts';
import { readWeights } from './read-weights.ts';
import { writeSafetensors } from './safetensors/safetensors.ts';

let folder: string;
let server: Server;
beforeAll(async () => {
  folder = await temporaryFolder();
  server = createServer();
  await startBackend('cpu', () => {});
});
afterAll(() => server.close());

/** What Keras and h5py saved: parity/odd_weights.py. */
function saved(name: string): string {
  return fileURLToPath(new URL(`../../parity/odd-weights/${name}`, import.meta.url));
}

const trunk = () => buildRoundTripNetwork({ includeTop: false });

describe('takes a trunk out of a classifier that Keras saved', () => {
  test.each([
    'nested.keras',
    'nested.h5',
    'nested-frozen.h5',
    'nested-half-frozen.h5',
    'sequential.h5',
    'sequential.weights.h5',
    'flat.h5',
    'flat.weights.h5',
  ])('%s', async (name) => {
    const { layers } = trunk();
    const tensors = await readWeights(saved(name), layers, { withoutTop: true });
    expect(tensors.size).toBe(17);
    for (const [weight, { shape, values }] of tensors) {
      expect(values, weight).toEqual(weightValues(weight, shape, 6));
    }
  });

  test('under other names, in their order', async () => {
    const { layers } = buildRoundTripNetwork({ includeTop: false, last: 'conv2d_9' });
    for (const name of ['nested.keras', 'nested.h5', 'flat.h5']) {
      const tensors = await readWeights(saved(name), layers, { withoutTop: true });
      expect(tensors.get('conv2d_9/kernel')?.values, name).toEqual(
        weightValues('conv2d_1/kernel', [1, 1, 5, 4], 6),
      );
    }
  });

  test('but not where a part of it was frozen, which changes the order of layers with other names', async () => {
    const { layers } = buildRoundTripNetwork({ includeTop: false, last: 'conv2d_9' });
    await expect(
      readWeights(saved('nested-half-frozen.h5'), layers, { withoutTop: true }),
    ).rejects.toMatchObject({
      code: 'weights_invalid',
      message: expect.stringMatching(/partly frozen.* set trainable to True/),
    });
  });

  test('but not the whole classifier, where the network has another', async () => {
    const { layers } = buildRoundTripNetwork();
    for (const name of ['nested.keras', 'nested.h5', 'flat.h5', 'flat.weights.h5']) {
      await expect(readWeights(saved(name), layers), name).rejects.toMatchObject({
        code: 'weights_invalid',
        message: expect.stringMatching(/has a layer|have a layer|Expected \d tensors/),
      });
    }
  });

  test('nor that of a network with fewer layers', async () => {
    const { layers } = buildRoundTripNetwork({ includeTop: false, extra: true });
    for (const name of ['nested.keras', 'nested.h5', 'flat.h5']) {
      await expect(readWeights(saved(name), layers, { withoutTop: true })).rejects.toMatchObject({
        code: 'weights_invalid',
      });
    }
  });
});

test('widens the float16 of an .h5 exactly', async () => {
  const tensors = await readWeights(saved('half.h5'), trunk().layers, { withoutTop: true });
  for (const [weight, { shape, values }] of tensors) {
    const expected = Float32Array.from(Float16Array.from(weightValues(weight, shape, 6)));
    expect(values, weight).toEqual(expected);
  }
});

test.each([
  ['external.h5', /numbers of \/layers\/dense\/vars\/0 are damaged, or in another file/],
  ['external-device.h5', /numbers of \/layers\/dense\/vars\/0 are damaged, or in another file/],
  ['virtual.h5', /its \/layers\/dense\/vars\/0 is a link/],
  ['soft-link.h5', /its \/layers\/dense\/vars\/0 is a link/],
  ['broken-link.h5', /its \/layers\/dense\/vars\/0 is a link/],
  ['external-link.h5', /its \/layers\/dense\/vars\/0 is a link/],
  ['circle.h5', /groups are nested too deeply/],
  ['huge.h5', /unpacks to more than 2 GB/],
  ['words.h5', /does not hold numbers/],
])('refuses %s, also in a .keras', async (name, message) => {
  const archive = join(folder, `${name}.keras`);
  await writeFile(archive, zipSync({ 'model.weights.h5': await readFile(saved(name)) }));
  for (const path of [saved(name), archive]) {
    await expect(readWeights(path, trunk().layers, { withoutTop: true })).rejects.toMatchObject({
      code: 'weights_invalid',
      message: expect.stringMatching(message),
    });
  }
});

const text = (content: string) => Buffer.from(content);
const zip = (...names: string[]) =>
  zipSync(Object.fromEntries(names.map((name) => [name, text('content')])));
const padded = (hex: string, length = 64) => {
  const bytes = Buffer.alloc(length);
  bytes.write(hex, 'hex');
  return bytes;
};
const tar = Buffer.alloc(1024);
tar.write('ustar', 257);

test.each<[string, Uint8Array, RegExp]>([
  ['empty.h5', text(''), /but it is empty\.$/],
  ['page.h5', text('<!DOCTYPE html><html>404</html>'), /it is a web page/],
  ['page.keras', text('\n  <HTML><body>Sign in</body>'), /it is a web page/],
  ['page.safetensors', text('<?xml version="1.0"?><Error>'), /it is a web page/],
  ['bom.h5', text('\ufeff<!doctype html>'), /it is a web page/],
  [
    'pointer.safetensors',
    text('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'),
    /it is a Git LFS pointer.*git lfs pull/,
  ],
  ['model.pth', zip('archive/data.pkl', 'archive/data/0'), /state dictionary of PyTorch/],
  ['model.pt', zip('model/data.pkl'), /state dictionary of PyTorch/],
  ['old.pth', padded('80028a0a'), /it is a Python pickle.*save_file/],
  ['forest.pkl', padded('8004958a'), /it is a Python pickle/],
  ['odd.pth', padded('00'), /it is a PyTorch file/],
  ['weights.npz', zip('arr_0.npy'), /it is an \.npz file of NumPy/],
  ['weights.npy', padded('934e554d5059'), /it is a NumPy array/],
  ['saved.zip', zip('model/saved_model.pb'), /it is a TensorFlow SavedModel/],
  ['photos.zip', zip('cat/1.jpg'), /it is a zip archive without model\.weights\.h5/],
  ['weights.h5.gz', gzipSync('weights'), /it is compressed by gzip: unpack it first/],
  ['weights.tar', tar, /it is a tar archive/],
  ['weights.7z', padded('377abcaf271c'), /it is an archive/],
  ['weights.xz', padded('fd377a585a00'), /it is an archive/],
  ['weights.zst', padded('28b52ffd'), /it is an archive/],
  ['model.tflite', padded('1c00000054464c33'), /it is a TensorFlow Lite model/],
  ['model.onnx', padded('08081207707974'), /it is an ONNX model/],
  ['model.gguf', padded('4747554603'), /it is a GGUF file/],
  ['model.pb', padded('0a9f01'), /it is a TensorFlow graph/],
  ['model.ckpt.data-00000-of-00001', padded('0a9f01'), /it is part of a TensorFlow checkpoint/],
  ['cat.h5', padded('89504e470d0a1a0a'), /it is an image/],
  ['model.json', text('{"modelTopology":{}}'), /it is a TensorFlow\.js model/],
  ['keras.weights.json', text('{"weight_map":{"a":["x.h5"]}}'), /a list of shards of another/],
  ['config.json', text('{"units": 3}'), /it is JSON without weights/],
  ['broken.json', text('{"units": '), /it is a text file, or damaged/],
  ['notes.txt', text('my weights'), /it is a text file\.$/],
  ['random.bin', padded('f0f1f2f3f4f5f6f7f8f9'), /its format is unknown/],
  // What looks for a mark looks at the beginning alone.
  ['long.h5', Buffer.alloc(40_000_000, ' '), /it is a text file\.$/],
])('says what %s is', async (name, content, message) => {
  const path = join(folder, name);
  await writeFile(path, content);
  const refused = {
    code: 'weights_invalid',
    message: expect.stringMatching(message),
  };
  await expect(readWeights(path, trunk().layers)).rejects.toMatchObject(refused);
  // The network's weights are read when its training has begun, and the hash before.
  if (!/zip archive|PyTorch|NumPy|SavedModel/.test(message.source)) {
    await expect(hashWeights(path)).rejects.toMatchObject(refused);
  }
});

test.runIf(process.platform === 'linux')('reads no pipe, device, socket or folder', async () => {
  const { execFileSync } = await import('node:child_process');
  const at = (name: string) => join(folder, name);
  execFileSync('mkfifo', [at('pipe.h5')]);
  await new Promise<void>((resolve) => server.listen(at('socket'), resolve));
  await mkdir(at('model'));
  await mkdir(at('saved'));
  await writeFile(at('saved/saved_model.pb'), '');
  await symlink(at('round'), at('round'));
  const cases: [string, RegExp][] = [
    [at('pipe.h5'), /but it is a pipe, not a file\.$/],
    ['/dev/zero', /but it is a device or a socket, not a file\.$/],
    ['/dev/stdin', /but (it is|there is)/],
    [at('socket'), /but it is a device or a socket, not a file\.$/],
    [at('model'), /but it is a folder: name a file in it\.$/],
    [at('saved'), /it is the folder of a TensorFlow SavedModel/],
    [at('round'), /but it is a link that leads back to itself\.$/],
    [at('none.h5'), /but there is no such file\.$/],
    [join('/dev/null', 'none.h5'), /but there is no such file\.$/],
    [at('x'.repeat(300)), /but the name is too long for a file\.$/],
  ];
  for (const [path, message] of cases) {
    await expect(readWeights(path, trunk().layers), path).rejects.toThrow(message);
    await expect(hashWeights(path), path).rejects.toThrow(message);
  }
});

describe('reads the shards of an index', () => {
  const index = 'model.safetensors.index.json';
  const tensorOf = (value: number) => ({ shape: [1], values: Float32Array.of(value) });

  async function writeIndex(name: string, files: readonly string[]): Promise<string> {
    await mkdir(join(folder, name));
    const path = join(folder, name, index);
    const map = Object.fromEntries(files.map((file, number) => [`layer${number}/bias`, file]));
    await writeFile(path, JSON.stringify({ metadata: {}, weight_map: map }));
    return path;
  }

  test('and their hash changes with each of them', async () => {
    const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    const path = await writeIndex('whole', names);
    const write = (number: number, value: number) =>
      writeSafetensors(join(folder, 'whole', names[number] as string), {
        metadata: {},
        tensors: new Map([[`layer${number}/bias`, tensorOf(value)]]),
      });
    await write(0, 1);
    await write(1, 2);
    const tensors = await readWeights(path, []);
    expect([...tensors]).toEqual([
      ['layer0/bias', tensorOf(1)],
      ['layer1/bias', tensorOf(2)],
    ]);
    const before = await hashWeights(path);
    await write(1, 3);
    expect(await hashWeights(path)).not.toBe(before);
    const shard = join(folder, 'whole', names[0] as string);
    await expect(readWeights(shard, [])).rejects.toThrow(/it is one of 2 shards: pass the index/);
  });

  test.each(['../secret.safetensors', '/etc/passwd', 'a/b.safetensors', 'model.bin', '..'])(
    'but not %s, which lies elsewhere or is another file',
    async (file) => {
      const path = await writeIndex(`elsewhere-${Buffer.from(file).toString('hex')}`, [file]);
      await expect(readWeights(path, [])).rejects.toThrow(`it names ${file}, which is no`);
      await expect(hashWeights(path)).rejects.toThrow(`it names ${file}, which is no`);
    },
  );

  test('and names one that is missing', async () => {
    const path = await writeIndex('missing', ['model-00001-of-00001.safetensors']);
    await expect(readWeights(path, [])).rejects.toThrow(
      /model-00001-of-00001\.safetensors, but there is no such file/,
    );
  });
});

/** A zip archive of one file that claims another size than it has. */
function claiming(content: Uint8Array, bytes: number): Uint8Array {
  const archive = zipSync({ 'model.weights.h5': content });
  const view = new DataView(archive.buffer, archive.byteOffset);
  // The sizes in the file's header and in the directory.
  const directory = view.getUint32(archive.length - 6, true);
  view.setUint32(22, bytes, true);
  view.setUint32(directory + 24, bytes, true);
  return archive;
}

test.each<[string, () => Uint8Array, RegExp]>([
  [
    'a zip bomb',
    () => zipSync({ 'model.weights.h5': new Uint8Array(80_000_000) }, { level: 1 }),
    /unpacks to \d+ times its size/,
  ],
  ['one that claims 4 GB', () => claiming(Buffer.alloc(9), 0xfffffff0), /more than 2 GB/],
  [
    'one that claims less than it has',
    () => claiming(new Uint8Array(10_000_000), 1000),
    /damaged or cut short/,
  ],
  ['one of another file', () => zip('weights'), /without model\.weights\.h5/],
  ['only the beginning of one', () => zip('weights').subarray(0, 40), /damaged or cut short/],
  ['one bare deflated stream', () => deflateRawSync('weights'), /its format is unknown|text/],
])('refuses %s', async (name, make, message) => {
  const path = join(folder, `${name.replaceAll(' ', '-')}.keras`);
  await writeFile(path, make());
  await expect(readWeights(path, trunk().layers)).rejects.toThrow(message);
});
