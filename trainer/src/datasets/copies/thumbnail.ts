import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import type { Image } from 'shared/images/image';
import { preprocess } from 'shared/images/preprocess/preprocess-node';

/** Side of a thumbnail, in pixels. */
export const SIDE = 16;

const SPEC: PreprocessSpec = {
  fit: 'cover',
  size: SIDE,
  filter: 'bicubic',
  channelOrder: 'rgb',
  arithmetic: [],
};

/** @returns base64 of `[16, 16, 3]` uint8: the part of an image that networks see, in small */
export function thumbnailOf(image: Image): string {
  return Buffer.from(Uint8Array.from(preprocess(image, SPEC))).toString('base64');
}
