import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { readTorchCheckpoint } from './torch-checkpoint.ts';

/** What PyTorch itself wrote, see parity/torch_checkpoints.py. */
const pathOf = (name: string) =>
  fileURLToPath(new URL(`../../../parity/torch/${name}.pth`, import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});

test.each(['archive', 'legacy', 'nested'])('reads every tensor of %s.pth', async (name) => {
  const tensors = await readTorchCheckpoint(pathOf(name));
  const counting = Array.from({ length: 24 }, (_, index) => index);
  expect(Object.fromEntries(tensors)).toEqual({
    contiguous: { shape: [2, 3, 4], values: Float32Array.from(counting) },
    // Its bytes are those of [2, 1, 3, 4]: what stands at [a, b, c, d] here is number c, d, b, a there.
    permuted: {
      shape: [4, 3, 2, 1],
      values: Float32Array.from(
        counting.map((at) => (at % 2) * 12 + (Math.floor(at / 2) % 3) * 4 + Math.floor(at / 6)),
      ),
    },
    part: { shape: [3], values: Float32Array.of(5, 6, 7) },
    half: { shape: [2], values: Float32Array.of(0.5, -2) },
    double: { shape: [1], values: Float32Array.of(0.25) },
    number: { shape: [], values: Float32Array.of(7) },
    parameter: { shape: [1], values: Float32Array.of(1.5) },
  });
});

test('runs nothing of a whole model, and says what to write instead', async () => {
  await expect(readTorchCheckpoint(pathOf('whole-model'))).rejects.toMatchObject({
    code: 'weights_invalid',
    message: `Expected a state dictionary of PyTorch at ${pathOf('whole-model')}, but it holds an object of torch.nn.modules.linear.Linear, not only tensors: write one with torch.save(model.state_dict(), file).`,
  });
});

test.each(['archive', 'legacy'])('refuses %s.pth wherever it is cut', async (name) => {
  const whole = await readFile(pathOf(name));
  const path = join(folder, 'cut.pth');
  for (let length = 0; length < whole.length; length += 61) {
    await writeFile(path, whole.subarray(0, length));
    await expect(readTorchCheckpoint(path), `${length} bytes`).rejects.toMatchObject({
      code: 'weights_invalid',
    });
  }
});

test.each(['archive', 'legacy'])(
  'reads or refuses %s.pth with any byte changed, in one sentence',
  async (name) => {
    const whole = await readFile(pathOf(name));
    const path = join(folder, 'changed.pth');
    for (let at = 0; at < whole.length; at += 7) {
      const changed = Buffer.from(whole);
      changed[at] = (whole[at] as number) ^ 0x41;
      await writeFile(path, changed);
      await readTorchCheckpoint(path).catch((error: unknown) =>
        expect(error, `byte ${at}`).toMatchObject({ code: 'weights_invalid' }),
      );
    }
  },
);
