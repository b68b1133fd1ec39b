import sharp from 'sharp';
import type { Part } from '../datasets/split.ts';

/** Twice the size shown in the report, for high-density screens; smaller images are not enlarged. */
const SIDE = 192;

/** One image of a split as a `data:` URI: its centred square, as the network sees it, in WebP. */
export async function toDataUri({ set, indices }: Part, index: number): Promise<string> {
  const { data, width, height, channels } = await set.image(indices[index] as number);
  const side = Math.min(width, height, SIDE);
  const webp = await sharp(data, { raw: { width, height, channels } })
    // The fourth channel is meaningless, since the image is flattened.
    .removeAlpha()
    .resize({ width: side, height: side, fit: 'cover' })
    .webp({ quality: 85 })
    .toBuffer();
  return `data:image/webp;base64,${webp.toString('base64')}`;
}
