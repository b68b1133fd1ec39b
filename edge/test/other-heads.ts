import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBackbone } from 'trainer/backbones/registry';
import { startBackend } from 'trainer/backends/start-backend';
import { exportPretrained } from 'trainer/export/export-pretrained';
import { toGraphModel } from 'trainer/export/graph-model';
import { writeModelDirectory } from 'trainer/export/write-model-directory';
import { attachHead } from 'trainer/models/head';
import { fusePlan } from 'trainer/plan/fuse';
import { disposePlan } from 'trainer/plan/plan';
import type { TestProject } from 'vitest/node';

/** Small models whose heads are more than pooling and a dense layer, for the tests in workerd. */
export default async function setup(project: TestProject): Promise<void> {
  await startBackend('wasm', () => {});
  const folder = await mkdtemp(join(tmpdir(), 'graft-heads-'));
  try {
    const card = await exportPretrained('lenet5', 'none', join(folder, 'lenet5'));
    const trunk = buildBackbone('lenet5', { includeTop: false });
    const head = { head: 'convolution', dropout: 0.2, seed: 1 } as const;
    const plan = fusePlan(attachHead(trunk, card.labels.length, head));
    const graph = await toGraphModel(plan, card.preprocess.size, 'uint8');
    await writeModelDirectory(join(folder, 'convolution'), graph, { ...card, id: 'convolution' });
    disposePlan(plan);
    project.provide('otherHeads', {
      lenet5: await filesOf(join(folder, 'lenet5')),
      convolution: await filesOf(join(folder, 'convolution')),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function filesOf(folder: string): Promise<Record<string, number[]>> {
  const files: Record<string, number[]> = {};
  for (const name of await readdir(folder)) files[name] = [...(await readFile(join(folder, name)))];
  return files;
}
