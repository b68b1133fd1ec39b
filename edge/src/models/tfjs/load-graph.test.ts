import * as tf from '@tensorflow/tfjs-core';
import { type FoldedGraph, foldGraph } from 'shared/inference/fold-constants';
import { loadGraph } from 'shared/inference/graph/load-graph';
import { graphOperations } from 'shared/inference/graph/operations';
import { expect, inject, test } from 'vitest';
import { registeredKernels, useKernels } from '../../../bench/measuring/swap-kernels.ts';
import { startBackend } from '../backend.ts';

// Importing the backend registers tfjs-wasm's kernels, and starting it replaces some of them.
const stock = registeredKernels();

const { size, json, weightData } = inject('everyOperation');

function everyOperation(): FoldedGraph {
  return foldGraph({ ...JSON.parse(json), weightData: Uint8Array.from(weightData).buffer });
}

function nodesOf({ topology }: FoldedGraph): readonly { op: string }[] {
  return topology.node;
}

/** @returns probabilities of two images */
function probabilitiesOf(folded: FoldedGraph): number[] {
  const graph = loadGraph(folded, 'float32');
  const probabilities = tf.tidy(() => {
    const values = Float32Array.from({ length: 2 * size * size * 3 }, (_, i) => Math.sin(i) * 2);
    return [...graph.run(tf.tensor4d(values, [2, size, size, 3])).dataSync()];
  });
  graph.dispose();
  return probabilities;
}

test('the graph of this test has every operation', () => {
  const operations = new Set(nodesOf(everyOperation()).map(({ op }) => op));
  expect([...operations].toSorted()).toEqual([...graphOperations].toSorted());
});

test('every operation gives the same on both backends and with any kernels', async () => {
  expect(await startBackend()).toBe('wasm');
  const before = tf.memory().numTensors;
  const ours = registeredKernels();
  const withOurs = probabilitiesOf(everyOperation());
  useKernels(stock);
  const withStock = probabilitiesOf(everyOperation());
  useKernels(ours);
  expect(tf.memory().numTensors).toBe(before);
  await tf.setBackend('cpu');
  const onCpu = probabilitiesOf(everyOperation());
  await tf.setBackend('wasm');
  expect(onCpu).toHaveLength(2 * 3);
  for (const [place, value] of onCpu.entries()) {
    expect(withOurs[place]).toBeCloseTo(value, 5);
    expect(withStock[place]).toBeCloseTo(value, 5);
  }
  // The predictions depend on the weights.
  expect(new Set(onCpu.map((value) => value.toFixed(3))).size).toBeGreaterThan(3);
});

test('fuses a swish, and no other sigmoid or product', async () => {
  await startBackend();
  const ours = registeredKernels();
  const steps: string[] = [];
  const watched = [...ours].map(([name, kernel]) => {
    const kernelFunc: tf.KernelConfig['kernelFunc'] = (call) => {
      steps.push(name);
      return kernel.kernelFunc(call);
    };
    return [name, { ...kernel, kernelFunc }] as const;
  });
  useKernels(new Map(watched));
  probabilitiesOf(everyOperation());
  useKernels(ours);
  const ofSwishes = new Set(['Multiply', 'Sigmoid', 'Swish']);
  expect(steps.filter((name) => ofSwishes.has(name))).toEqual(['Swish', 'Sigmoid', 'Multiply']);
});

test('names the operations that it does not implement', () => {
  const folded = everyOperation();
  for (const node of nodesOf(folded)) if (node.op === 'LRN') node.op = 'Einsum';
  expect(() => loadGraph(folded, 'float32')).toThrow('that the trainer does not write: Einsum.');
});

test('names a node whose input is not computed before it', () => {
  const { topology, weights } = everyOperation();
  const isLate = ({ name }: { name: string }): number => Number(name === 'depthwise');
  const node = topology.node.toSorted((a, b) => isLate(a) - isLate(b));
  expect(() => loadGraph({ topology: { ...topology, node }, weights }, 'float32')).toThrow(
    'reads depthwise, which no node before it computes.',
  );
});
