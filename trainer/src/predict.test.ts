import { expect, test } from 'vitest';
import { formatPredictions } from './predict.ts';

const cat = { label: 'Egyptian_cat', index: 285, probability: 0.98765, synset: 'n02124075' };
const { synset, ...own } = { ...cat, label: 'cat' };

test("writes rows as of Keras' decode_predictions", () => {
  expect(formatPredictions([cat])).toBe(`${synset}  Egyptian_cat${' '.repeat(20)}0.9877`);
  expect(formatPredictions([own])).toBe(`cat${' '.repeat(29)}0.9877`);
});

test('names the picture where there are several', () => {
  expect(formatPredictions([own], 'a.jpg')).toBe(`a.jpg:\ncat${' '.repeat(29)}0.9877\n`);
});
