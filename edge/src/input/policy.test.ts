import { checkPolicy, imagePolicy } from 'shared/test/image-policy';
import { inject, test } from 'vitest';
import { defaultLimits } from '../limits.ts';
import { decode } from './decode.ts';

test.each(Object.keys(imagePolicy))('decodes %s as the policy says', async (name) => {
  const response = await fetch(`${inject('imageHost')}/policy-${name}`);
  const file = new Uint8Array(await response.arrayBuffer());
  await checkPolicy(name, () => decode(file, defaultLimits, 224));
});
