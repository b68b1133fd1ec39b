import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Classifier } from '../models/load-model.ts';
import { formatPredictions, predict } from './predict.ts';

const cat = { label: 'Egyptian_cat', index: 285, probability: 0.98765, synset: 'n02124075' };
const { synset, ...own } = { ...cat, label: 'cat' };

test("writes rows as of Keras' decode_predictions", () => {
  expect(formatPredictions({ predictions: [cat] })).toBe(
    `${synset}  Egyptian_cat${' '.repeat(20)}0.9877`,
  );
  expect(formatPredictions({ predictions: [own] })).toBe(`cat${' '.repeat(29)}0.9877`);
});

test('names the image where there are several', () => {
  expect(formatPredictions({ predictions: [own] }, 'a.jpg')).toBe(
    `a.jpg:\ncat${' '.repeat(29)}0.9877\n`,
  );
});

test('says first that an image shows none of the classes, where it does', () => {
  expect(formatPredictions({ known: false, score: 0.081, predictions: [own] })).toMatch(
    /^none of these, most likely \(score 0\.08\)\ncat /,
  );
  expect(formatPredictions({ known: true, score: 0.9, predictions: [own] })).toMatch(/^cat /);
});

test.each([
  ['no-such-file.jpg', 'but there is no such file.'],
  ['predict.test.ts', 'The file is not a JPEG, PNG, WebP, AVIF or GIF image; send one of these.'],
])('says of %s what is wrong with it', async (name, reason) => {
  const classifier = { preprocess: { size: 8 } } as Classifier;
  const path = join(import.meta.dirname, name);
  await expect(predict(classifier, path, 1)).rejects.toMatchObject({
    code: 'dataset_invalid',
    message: expect.stringMatching(RegExp(`^Expected an image at .*${name}.*${reason}$`)),
  });
});
