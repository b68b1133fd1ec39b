import * as tf from '@tensorflow/tfjs-core';
import { type FoldedGraph, foldGraph } from 'shared/fold-constants';
import { graphOperations } from 'shared/graph/graph-operations';
import { loadGraph } from 'shared/graph/load-graph';
import { expect, inject, test } from 'vitest';
import { startBackend } from '../backend.ts';

const { size, json, weightData } = inject('everyOperation');

function everyOperation(): FoldedGraph {
  return foldGraph({ ...JSON.parse(json), weightData: Uint8Array.from(weightData).buffer });
}

function nodesOf({ topology }: FoldedGraph): readonly { op: string }[] {
  return topology.node;
}

/** @returns probabilities of two pictures */
function answersOf(folded: FoldedGraph): number[] {
  const graph = loadGraph(folded, 'float32');
  const answers = tf.tidy(() => {
    const values = Float32Array.from({ length: 2 * size * size * 3 }, (_, i) => Math.sin(i) * 2);
    return [...graph.run(tf.tensor4d(values, [2, size, size, 3])).dataSync()];
  });
  graph.dispose();
  return answers;
}

test('the graph of this test has every operation', () => {
  const operations = new Set(nodesOf(everyOperation()).map(({ op }) => op));
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
  expect(onWasm).toHaveLength(2 * 3);
  for (const [place, value] of onWasm.entries())
    expect(value).toBeCloseTo(onCpu[place] as number, 5);
  // Neither answer is one that any weights would give.
  expect(new Set(onCpu.map((value) => value.toFixed(3))).size).toBeGreaterThan(3);
});

test('names the operations that it has no code of', () => {
  const folded = everyOperation();
  for (const node of nodesOf(folded)) if (node.op === 'LRN') node.op = 'Einsum';
  expect(() => loadGraph(folded, 'float32')).toThrow('that the trainer does not write: Einsum.');
});

test('names a node that reads what is not there yet', () => {
  const { topology, weights } = everyOperation();
  const isLate = ({ name }: { name: string }): number => Number(name === 'depthwise');
  const node = topology.node.toSorted((a, b) => isLate(a) - isLate(b));
  expect(() => loadGraph({ topology: { ...topology, node }, weights }, 'float32')).toThrow(
    'reads depthwise, which no node before it computes.',
  );
});
