import { expect, test } from 'vitest';
import { mutate, mutated } from '../../test/mutate.ts';
import { readImage } from '../../test/read-image.ts';
import { decodeImage } from './decode-node.ts';

const casesEach = 1000;
/** A decode that takes longer counts as hanging. */
const maxMs = 5000;

const outcomes = ['decoded', 'broken_image', 'unsupported_image', 'too_many_pixels'];

test.each(mutated)(
  `survives ${casesEach} mutations of %s`,
  async (name) => {
    const whole = await readImage(name);
    const counts = new Map<unknown, number>();
    for (let seed = 0; seed < casesEach; seed++) {
      const start = Date.now();
      const outcome = await outcomeOf(mutate(whole, seed));
      if (Date.now() - start > maxMs) expect.fail(`Case ${seed} took ${Date.now() - start} ms.`);
      if (!outcomes.includes(`${outcome}`)) expect.fail(`Case ${seed} gave ${outcome}.`);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
    // Mutations that never reach a decoder would prove nothing.
    expect(counts.get('broken_image')).toBeGreaterThan(casesEach / 20);
    expect(counts.get('decoded')).toBeGreaterThan(0);
    expect(await outcomeOf(whole)).toBe('decoded');
  },
  120_000,
);

async function outcomeOf(bytes: Uint8Array): Promise<unknown> {
  try {
    const limits = { maxPixels: 50_000_000, maxDecodeBytes: 64 * 1024 * 1024 };
    await decodeImage(bytes, { size: 224, limits });
    return 'decoded';
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}
