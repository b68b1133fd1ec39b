import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { largestDifference } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { adamStep, movingAverage } from './adam-step.ts';

describe.each(inject('native') ? (['cpu', 'native'] as const) : (['cpu'] as const))(
  '%s',
  (name) => {
    beforeAll(async () => {
      await startBackend(name, () => {});
    });

    // Longer than any vector register, and not a multiple of one.
    const uniform = (seed: number, low = -1) => tf.randomUniform([3, 77], low, 1, 'float32', seed);

    test.each([0.999, 0.99])('computes one step of the paper with a β₂ of %d', (beta2) => {
      const before = tf.memory().numTensors;
      const largest = tf.tidy(() => {
        const given = {
          value: uniform(1),
          gradient: uniform(2),
          mean: uniform(3),
          square: uniform(4, 0),
        };
        const next = adamStep(given, { stays: 0.9, rate: 0.1, beta2 });
        // In double precision, from the equations of Kingma & Ba 2015, Algorithm 1.
        const [value, gradient, mean, square] = Object.values(given).map((of) => of.dataSync());
        const expected = Array.from(value as ArrayLike<number>, (w, i) => {
          const g = gradient?.[i] as number;
          const m = 0.9 * (mean?.[i] as number) + 0.1 * g;
          const v = beta2 * (square?.[i] as number) + (1 - beta2) * g * g;
          return [0.9 * w - (0.1 * m) / (Math.sqrt(v) + 1e-7), m, v];
        });
        return [next.value, next.mean, next.square].map((tensor, slot) =>
          largestDifference(
            tensor,
            tf.tensor(
              expected.map((row) => row[slot] as number),
              [3, 77],
            ),
          ),
        );
      });
      for (const difference of largest) expect(difference).toBeLessThan(1e-5);
      expect(tf.memory().numTensors).toBe(before);
    });

    test('updates a moving average', () => {
      const [average, value] = [uniform(1), uniform(2)];
      const before = tf.memory().numTensors;
      const next = movingAverage(average, value, 0.25);
      expect(tf.memory().numTensors).toBe(before + 1);
      const expected = tf.tidy(() => average.mul(0.75).add(value.mul(0.25)));
      expect(largestDifference(next, expected)).toBeLessThan(1e-6);
    });

    test.runIf(name === 'native')('has native operations for both', () => {
      for (const kernel of ['GraftAdamStep', 'GraftMovingAverage']) {
        expect(tf.getKernel(kernel, tf.getBackend())).toBeDefined();
      }
    });
  },
);
