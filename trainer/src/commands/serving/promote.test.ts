import { mkdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { tinyCardForImages } from '../../../fixtures/tiny-card.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../../fixtures/tiny-network.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { runCommand } from '../../cli/run-command.ts';
import { createRandom } from '../../config/random.ts';
import { compareModels } from '../../evaluation/compare-models.ts';
import { toGraphModel } from '../../export/graph-model.ts';
import { writeModelDirectory } from '../../export/write-model-directory.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { findModel } from '../options/find-model.ts';

test('refuses a version that is worse on the held-out images, unless it is forced', async () => {
  await startBackend('cpu', () => {});
  const folder = await temporaryFolder();
  const models = join(folder, 'models');
  const photos = join(folder, 'photos');
  const write = async (labels: readonly string[], isCandidate: boolean) => {
    const graph = await toGraphModel(fusePlan(buildTinyNetwork()), TINY_SIZE, 'float32');
    const card = { ...tinyCardForImages, labels: labels.map((name) => ({ name })) };
    return (await writeModelDirectory(join(models, 'pets'), graph, card, isCandidate)).directory;
  };
  const first = await write(['cat', 'dog', 'fox'], false);
  const second = await write(['dog', 'fox', 'cat'], true);

  // The images are of what the first version says, so that the second, one network with other labels, is wrong.
  for (const name of ['cat', 'dog', 'fox']) await mkdir(join(photos, name), { recursive: true });
  for (let i = 0; i < 12; i++) {
    const random = createRandom(i);
    const values = Uint8ClampedArray.from({ length: 432 }, () => 255 * random.float());
    const raw = { width: 12, height: 12, channels: 3 } as const;
    await sharp(values, { raw }).toFile(join(photos, 'cat', `${i}.png`));
  }
  const options = {
    ...{ data: photos, strict: false, say: () => {} },
    signal: new AbortController().signal,
  };
  for (const { file, predicted } of (await compareModels(first, second, options)).changed) {
    await rename(join(photos, file ?? ''), join(photos, predicted, basename(file ?? '')));
  }

  const current = async () => basename(await findModel(models, 'pets'));
  const promote = async (...more: string[]) => {
    const said: string[] = [];
    const say = (text: string) => said.push(text);
    const line = ['promote', basename(second), '--models', models, '--data', photos, ...more];
    const code = await runCommand([...line, '--backend', 'cpu'], { out: say, err: say });
    return { code, said: said.join('\n') };
  };
  const refused = await promote();
  expect(refused.said).toContain('gets 0 of 12 images right instead of 12');
  expect(refused.code).not.toBe(0);
  expect(await current()).toBe('pets');
  // A trial asks for no comparison, and whoever insists gets the version.
  expect((await promote('--shadow')).code).toBe(0);
  expect(await current()).toBe('pets');
  expect((await promote('--force')).code).toBe(0);
  expect(await current()).toBe(basename(second));
});
