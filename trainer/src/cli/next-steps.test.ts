import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, test } from 'vitest';
import { fast } from '../config/fast.ts';
import { nextSteps, type Place } from './next-steps.ts';

let root: string;
let place: Place;
beforeEach(async () => {
  root = await temporaryFolder();
  place = { here: join(root, 'here'), runs: join(root, 'runs'), models: join(root, 'models') };
});

async function put(path: string, content = ''): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

const time = (minute: number) => new Date(Date.UTC(2026, 0, 31, 12, minute)).toISOString();

const start = {
  time: time(0),
  event: 'start',
  command: 'graft train',
  resume: 'npx -y pnpm@10 graft train --resume /runs/pets --id cats',
  backend: 'cpu',
  dataset: 'photos',
  config: fast,
  images: { train: 40, validation: 10, test: 10 },
  seconds: 1,
};

const logOf = (...lines: object[]) => lines.map((line) => JSON.stringify(line)).join('\n');

test('says how to lay photos out where there are none', async () => {
  const text = await nextSteps(place);
  expect(text).toContain('photos/cat/1.jpg');
  expect(text).toContain('npx -y pnpm@10 graft train --data photos');
  expect(text).not.toContain('graft dev');
  expect(text).not.toContain('--resume');
});

test('says how to train on the photos that there are', async () => {
  await put('here/photos/train/cat/1.jpg');
  await put('here/photos/train/dog/1.PNG');
  await put('here/notes/1.txt');
  const text = await nextSteps(place);
  expect(text).toContain('There are photos of cat, dog in photos.');
  expect(text).toContain('npx -y pnpm@10 graft train --data photos');
});

test('says how to continue a run that is unfinished', async () => {
  const { resume, ...old } = start;
  await put('runs/pets/log.jsonl', logOf(start));
  expect((await nextSteps(place)).split('\n').slice(0, 2)).toEqual([
    'The run pets is unfinished, after 0 epochs. Unless it is still going on, continue it:',
    `  ${resume}`,
  ]);
  await put('runs/old/log.jsonl', logOf({ ...old, time: time(9) }));
  expect(await nextSteps(place)).toContain('\n  npx -y pnpm@10 graft train --resume old\n');
});

test('says how to serve a model', async () => {
  await put('here/photos/cat/1.jpg');
  await put('here/photos/dog/1.jpg');
  await put('models/pets/model.json', '{}');
  const test = { time: time(5), event: 'test', float32: 0.91, quantized: 0.9 };
  await put('runs/pets/log.jsonl', logOf(start, test));
  expect((await nextSteps(place)).split('\n').slice(0, 2)).toEqual([
    'There is the model pets. The latest run, pets, gave 90.00 %. Try it in a browser, then deploy it:',
    '  npx -y pnpm@10 graft dev',
  ]);
});
