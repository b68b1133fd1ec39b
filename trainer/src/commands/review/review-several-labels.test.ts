import { join } from 'node:path';
import { expect, test } from 'vitest';
import { headOnly, trainingOf } from '../../../fixtures/commands/head-only-training.ts';
import { folderWithBackends } from '../../../fixtures/folders/folder-with-cache.ts';
import { composePairs, writePairs } from '../../../fixtures/labels/compose-pairs.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { openReview } from '../../review/open-review.ts';
import { ReviewSession } from '../../review/session.ts';
import { trainInStages } from '../training/train-in-stages.ts';
import { openTrained } from './open-trained.ts';

const { signal } = new AbortController();

test('looks through images of several labels, by the run and by its model, and trains with what is decided', async () => {
  const root = await folderWithBackends();
  const said: string[] = [];
  const data = join(root, 'pairs');
  const labels = await writePairs(data, await composePairs('train', 0, 100));
  const run = { ...trainingOf(root, data, said), labels, modelId: 'pairs' };
  const { backend, say } = run;
  await trainInStages(headOnly, { ...run, directory: join(root, 'runs/first') });

  const name = (await startBackend(backend, () => {})).name;
  const reviewOf = async (trained: Awaited<ReturnType<typeof openTrained>>) =>
    openReview({ ...trained, data, backend: name, signal, say }).finally(() => trained.dispose());
  const half = Array<number>(10).fill(0.5);
  for (const of of ['first', 'pairs']) {
    // The labels are found where the training had them.
    const trained = await openTrained(of, run.models, join(root, 'runs'));
    const { thresholds = half } = trained;
    expect(thresholds === half).toBe(of === 'first');
    const found = await reviewOf(trained);
    expect(found).toMatchObject({ isMultiLabel: true, labelFile: labels });
    for (const { index, predicted, probability } of found.mistakes) {
      const isPresent = found.images[index]?.labels.includes(predicted);
      expect(probability >= (thresholds[predicted] as number)).toBe(!isPresent);
    }
    expect(found.mistakes.length).toBeGreaterThan(0);
  }
  const byRun = await reviewOf(await openTrained('first', run.models, join(root, 'runs')));
  expect(byRun.images.some(({ labels }) => labels.length === 2)).toBe(true);
  // A sigmoid each: they are no distribution.
  const sums = byRun.images.map((_, at) =>
    byRun.probabilities.slice(10 * at, 10 * at + 10).reduce((sum, one) => sum + one, 0),
  );
  expect(Math.max(...sums) - Math.min(...sums)).toBeGreaterThan(0.2);

  const session = await ReviewSession.open(byRun);
  const at = byRun.images.findIndex(({ labels }) => labels.length === 2);
  const names = byRun.images[at]?.labels.map((label) => byRun.labels[label] as string) ?? [];
  await session.decide(at, { decision: 'labels', labels: names.slice(1) });
  await expect(session.decide(at, { decision: 'labels', labels: ['no such'] })).rejects.toThrow(
    'Expected a class of the folder, but got no such.',
  );
  said.length = 0;
  await trainInStages(headOnly, { ...run, directory: join(root, 'runs/second') });
  expect(said).toContain('Reviewed images: 1 given other labels.');
  expect(
    said.find((line) => line.startsWith('Images before and after the review: 100 → 100;')),
  ).toMatch(new RegExp(`; ${names[0]} (\\d+) → \\d+\\.$`));
}, 300_000);
