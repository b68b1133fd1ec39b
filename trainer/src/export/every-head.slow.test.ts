import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { signedValues } from '../../parity/formula.ts';
import { setFormulaWeights } from '../../parity/formula-network.ts';
import { buildBackbone } from '../backbones/registry.ts';
import { startBackend } from '../backends/start-backend.ts';
import { backboneNames } from '../config/backbone-names.ts';
import { attachHead } from '../models/head.ts';
import { loadGraph } from '../models/load-model.ts';
import { fusePlan } from '../plan/fuse.ts';
import { disposePlan } from '../plan/plan.ts';
import { toArtifacts } from './graph-builder.ts';
import { toGraphModel } from './graph-model.ts';

const CLASSES = 5;
const heads = ['convolution', 'own'] as const;

beforeAll(() => startBackend('wasm', () => {}));

test.each(backboneNames.flatMap((name) => heads.map((head) => [name, head] as const)))(
  '%s with the head %s gives a map',
  { timeout: 300_000 },
  async (name, head) => {
    const golden = new URL(`../../parity/golden/${name}.json`, import.meta.url);
    const { size: least, gain, input } = JSON.parse(readFileSync(golden, 'utf8'));
    // A map of one place would say nothing.
    const size = 2 * least;
    const options = { size, classes: CLASSES, initialize: false };
    const network =
      head === 'own'
        ? buildBackbone(name, options)
        : attachHead(buildBackbone(name, { ...options, includeTop: false }), CLASSES, {
            ...{ head, dropout: 0.2, seed: 1 },
          });
    setFormulaWeights(network, gain);
    const plan = fusePlan(network);
    network.dispose();
    const served = await loadGraph(toArtifacts(await toGraphModel(plan, size, 'uint8')));
    disposePlan(plan);
    const x = tf.tensor4d(signedValues(input, size * size * 3), [1, size, size, 3]);
    const { rows = 0, columns, values = [] } = served.explain?.(x, 1) ?? {};
    served.dispose();
    x.dispose();
    expect(rows).toBeGreaterThan(1);
    expect(columns).toBe(rows);
    expect(values).toHaveLength(rows * rows);
    expect([...values].every(Number.isFinite)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(1);
  },
);
