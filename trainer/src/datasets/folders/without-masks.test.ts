import { expect, test } from 'vitest';
import { withoutMasks } from './without-masks.ts';

test.each([
  ['of the same name', ['a/1.jpg', 'a/1.png', 'a/2.jpg', 'a/2.png'], ['a/1.png', 'a/2.png']],
  ['by their last word', ['a/1.jpg', 'a/1_mask.png', 'a/face_mask.jpg'], ['a/1_mask.png']],
  [
    'in a folder of masks',
    ['a/images/1.png', 'a/masks/1.png', 'a/masks/2_mask.png', 'a/images/2.png'],
    ['a/masks/1.png', 'a/masks/2_mask.png'],
  ],
])('finds masks %s', (_, paths, masks) => {
  expect(withoutMasks(paths).masks).toEqual(masks);
  expect(withoutMasks(paths).photos).toEqual(paths.filter((path) => !masks.includes(path)));
});

test.each([
  ['a photo that is there in two formats', ['a/1.jpg', 'a/1.png', 'a/2.jpg', 'a/3.jpg']],
  ['photos of masks', ['with_mask/1.jpg', 'with_mask/2-with-mask.jpg', 'masks/3.jpg']],
  ['the same numbers in two folders', ['a/x/1.jpg', 'a/y/1.png']],
])('leaves %s alone', (_, paths) => {
  expect(withoutMasks(paths).masks).toEqual([]);
});
