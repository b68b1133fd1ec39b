import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { readModelCard } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { hashOf, signedValues } from '../../parity/formula.ts';
import { setFormulaWeights } from '../../parity/formula-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import type { BackboneName } from '../config/backbone-names.ts';
import { createRandom } from '../config/random.ts';
import { fusePlan } from '../plan/fuse.ts';
import { disposePlan, type Plan } from '../plan/plan.ts';
import { planGradients, runPlan } from '../plan/run.ts';
import { preprocessModes } from './preprocess-modes.ts';
import { backbones, buildBackbone } from './registry.ts';

/** Every so many-th of a tensor's values, and two numbers that all of them enter. */
interface Summary {
  readonly shape: readonly number[];
  readonly stride: number;
  readonly samples: readonly number[];
  readonly sum: number;
  readonly maxAbs: number;
}

/** What real Keras computed, see parity/golden.py. */
interface Golden {
  readonly size: number;
  readonly ownSize: number;
  readonly gain: number;
  /** Of the formula's image: one whose gradients no rounding changes. */
  readonly input: string;
  readonly parameters: { readonly withTop: number; readonly withoutTop: number };
  readonly weights: { readonly count: number; readonly hash: number };
  readonly trunk: Summary & { readonly layer: string; readonly loss: number };
  readonly logits: Summary;
  readonly gradients: Readonly<Record<string, Summary>>;
}

const folder = new URL('../../parity/golden/', import.meta.url);
const read = (file: string) => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
const names = readdirSync(fileURLToPath(folder))
  .filter((file) => file !== 'preprocess.json')
  .map((file) => file.replace('.json', '') as BackboneName);

test('has a golden file for each network', () => {
  expect(names.toSorted()).toEqual(Object.keys(backbones).toSorted());
});

beforeAll(async () => {
  await startBackend(inject('native') ? 'native' : 'cpu', () => {});
});

describe.each(names)('%s, with the weights of the formula,', (name) => {
  const golden: Golden = read(`${name}.json`);
  const { size, gain } = golden;
  const input = () => tf.tensor(signedValues(golden.input, size * size * 3), [1, size, size, 3]);

  test('has the weights, outputs and gradients of Keras', { timeout: 300_000 }, () => {
    const before = tf.memory().numTensors;
    const classes = golden.logits.shape.at(-1) as number;
    const model = buildBackbone(name, { size, classes, initialize: false });
    const listing = setFormulaWeights(model, gain);
    expect(listing).toHaveLength(golden.weights.count);
    expect(hashOf(listing.join('\n'))).toBe(golden.weights.hash);
    const plan = fusePlan(model);
    model.dispose();

    const steps = plan.steps.filter(({ kind }) => kind !== 'softmax');
    const logits: Plan = { ...plan, steps, output: steps.at(-1)?.output as string };
    tf.tidy(() => expectSummary(runPlan(logits, input()), golden.logits, 1e-4, 'logits'));

    const end = steps.findIndex(({ output }) => output.startsWith(`${golden.trunk.layer}/`));
    const trunk: Plan = {
      ...plan,
      // Keras was asked for inference.
      steps: steps
        .slice(0, end + 1)
        .map((step) => (step.kind === 'dropout' ? { ...step, rate: 0 } : step)),
      output: steps[end]?.output as string,
    };
    tf.tidy(() => {
      const lossOf = (output: tf.Tensor) => {
        expectSummary(output, golden.trunk, 1e-4, 'trunk');
        const gradient = tf.tensor(signedValues('loss', output.size), output.shape);
        return { loss: output.mul(gradient).sum<tf.Scalar>(), logits: gradient as tf.Tensor2D };
      };
      const { gradients } = planGradients(trunk, input(), lossOf, createRandom(1));
      for (const [weight, expected] of Object.entries(golden.gradients)) {
        expectSummary(gradients.get(weight) as tf.Tensor, expected, 1e-3, weight);
      }
      tf.dispose([...gradients.values()]);
    });
    disposePlan(plan);
    expect(tf.memory().numTensors).toBe(before);
  });
});

const pixels = read('preprocess.json') as {
  readonly modes: Readonly<Record<string, string>>;
  readonly architectures: Readonly<Record<BackboneName, keyof typeof preprocessModes>>;
};

/** What the network gets for every value of red, green and blue: float32 in base64. */
function preprocessAll(spec: PreprocessSpec): string {
  const data = Uint8Array.from({ length: 256 * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3);
    return [pixel, 255 - pixel, 7 * pixel][at % 3] as number;
  });
  const image = { width: 16, height: 16, channels: 3, data } as const;
  return Buffer.from(preprocess(image, { ...spec, size: 16 }).buffer).toString('base64');
}

test.each(Object.entries(preprocessModes))('scales pixels to the bits of %s', (mode, spec) => {
  expect(preprocessAll({ ...spec, size: 16 })).toBe(pixels.modes[mode]);
});

test('preprocesses for each network as its preprocess_input in Keras', () => {
  for (const [name, { preprocess }] of Object.entries(backbones)) {
    const mode = pixels.architectures[name as BackboneName];
    expect(preprocess, name).toBe(preprocessModes[mode]);
  }
});

test('so does the older form in the card of the model imagenet', async () => {
  const directory = new URL('../../../edge/public/models/imagenet/', import.meta.url);
  const { card } = await readModelCard(modelFiles(directory));
  expect(preprocessAll(card.preprocess)).toBe(pixels.modes['lite']);
});

function expectSummary(
  tensor: tf.Tensor,
  { shape, stride, samples, sum, maxAbs }: Summary,
  tolerance: number,
  name: string,
): void {
  expect(tensor.shape, name).toEqual(shape);
  const values = tensor.dataSync<'float32'>();
  const errors = samples.map((sample, index) =>
    Math.abs((values[index * stride] as number) - sample),
  );
  expect(Math.max(...errors) / maxAbs, name).toBeLessThan(tolerance);
  const difference = Math.abs(values.reduce((total, value) => total + value, 0) - sum);
  expect(difference / (maxAbs * values.length), name).toBeLessThan(tolerance);
}
