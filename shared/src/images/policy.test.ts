import { test } from 'vitest';
import { checkPolicy, imagePolicy } from '../../test/image-policy.ts';
import { readImage } from '../../test/read-image.ts';
import { decodeImage } from './decode-node.ts';

const limits = { maxPixels: 50_000_000, maxDecodeBytes: 64 * 1024 * 1024 };

test.each(Object.keys(imagePolicy))('decodes %s as the policy says', async (name) => {
  const file = await readImage(`policy-${name}`);
  await checkPolicy(name, () => decodeImage(file, { size: 224, limits }));
});
