import sharp from 'sharp';
import { expect, test } from 'vitest';
import { makeRunRecord } from '../../fixtures/run-record.ts';

const { results } = (await makeRunRecord(['cat', 'dog', 'fox', 'owl', 'ant', 'bee'], 300)).outcome;

test('lists the most confident mistakes, most confident first', () => {
  const { mistakes } = results;
  expect(mistakes).toHaveLength(24);
  expect(mistakes.every(({ actual, predicted }) => actual !== predicted)).toBe(true);
  const confidences = mistakes.map(({ probability }) => probability);
  expect(confidences).toEqual(confidences.toSorted((a, b) => b - a));
});

test('says of mistakes alone which parts speak for what was predicted', () => {
  for (const { map, predicted } of results.mistakes) {
    const [index = 0, label, sum, none] = map?.values ?? [];
    expect([label, sum, none]).toEqual([predicted, index + predicted, 0]);
  }
  expect(results.sample.every(({ map }) => map === undefined)).toBe(true);
});

test('shows each image with its own class, as the square that the network sees', async () => {
  for (const { image, actual } of results.sample) {
    const [type, base64] = image.split(',');
    expect(type).toBe('data:image/webp;base64');
    const { data, info } = await sharp(Buffer.from(base64 as string, 'base64'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([32, 32]);
    // All pixels of an image of class i have the grey value 5 i.
    expect(Math.abs((data[0] as number) - 5 * actual)).toBeLessThanOrEqual(2);
  }
});

test('measures all three networks consistently', () => {
  const { quantized, uncalibrated, float32, changed, confusion } = results;
  expect(uncalibrated.top1).toBe(quantized.top1);
  expect(uncalibrated.logLoss).not.toBe(quantized.logLoss);
  expect(float32.images).toBe(300);
  expect(changed).toBeGreaterThan(0);
  const right = confusion.reduce((sum, counts, label) => sum + (counts[label] as number), 0);
  expect(right / 300).toBe(quantized.top1);
});
