import * as tf from '@tensorflow/tfjs-core';
import { type FoldedArtifacts, foldConstants } from 'shared/fold-constants';
import { graphOperations } from 'shared/graph-operations';
import { expect, test } from 'vitest';
import {
  buildEveryOperation,
  EVERY_OPERATION_CLASSES,
  EVERY_OPERATION_SIZE,
} from '../../test/every-operation.ts';
import { startBackend } from '../backend.ts';
import { loadGraph } from './load-graph.ts';

function everyOperation(): FoldedArtifacts {
  const { topology, weightSpecs, weightData } = buildEveryOperation();
  return foldConstants({
    modelTopology: structuredClone(topology) as object,
    weightSpecs: [...weightSpecs],
    weightData: weightData.buffer,
  });
}

/** @returns probabilities of two pictures */
function answersOf(artifacts: FoldedArtifacts): number[] {
  const graph = loadGraph(artifacts);
  const size = EVERY_OPERATION_SIZE;
  const answers = tf.tidy(() => {
    const values = Float32Array.from({ length: 2 * size * size * 3 }, (_, i) => Math.sin(i) * 2);
    return [...graph.run(tf.tensor4d(values, [2, size, size, 3])).dataSync()];
  });
  graph.dispose();
  return answers;
}

test('the graph of this test has every operation', () => {
  const operations = new Set(buildEveryOperation().topology.node.map(({ op }) => op));
  expect([...operations].toSorted()).toEqual([...graphOperations].toSorted());
});

test('runs every operation on both backends, with the same answers', async () => {
  expect(await startBackend()).toBe('wasm');
  const before = tf.memory().numTensors;
  const onWasm = answersOf(everyOperation());
  expect(tf.memory().numTensors).toBe(before);
  await tf.setBackend('cpu');
  const onCpu = answersOf(everyOperation());
  await tf.setBackend('wasm');
  expect(onWasm).toHaveLength(2 * EVERY_OPERATION_CLASSES);
  for (const [place, value] of onWasm.entries())
    expect(value).toBeCloseTo(onCpu[place] as number, 5);
  // Neither answer is one that any weights would give.
  expect(new Set(onCpu.map((value) => value.toFixed(3))).size).toBeGreaterThan(3);
});

test('names the operations that it has no code of', () => {
  const artifacts = everyOperation();
  const { node } = artifacts.modelTopology as { node: { name: string; op: string }[] };
  for (const one of node) if (one.op === 'LRN') one.op = 'Einsum';
  expect(() => loadGraph(artifacts)).toThrow('that the trainer does not write: Einsum.');
});
