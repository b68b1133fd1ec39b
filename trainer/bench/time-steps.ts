import { parseArgs } from 'node:util';

/** The options of each side of the benches: the images' side, the batch size, and the number of steps. */
const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'native' },
    size: { type: 'string', default: '128' },
    batch: { type: 'string', default: '32' },
    steps: { type: 'string', default: '15' },
    warmup: { type: 'string', default: '4' },
  },
});

export const { backend } = values;
export const size = Number(values.size);
export const batch = Number(values.batch);
const steps = Number(values.steps);
const warmup = Number(values.warmup);

/** The median over the steps after the warm-up. */
export async function imagesPerSecond(step: () => Promise<unknown>): Promise<number> {
  const rates: number[] = [];
  for (let count = 0; count < warmup + steps; count++) {
    const begin = performance.now();
    await step();
    rates.push(batch / ((performance.now() - begin) / 1000));
  }
  return rates.slice(warmup).sort((a, b) => a - b)[Math.floor(steps / 2)] as number;
}
