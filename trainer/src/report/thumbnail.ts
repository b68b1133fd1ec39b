import sharp from 'sharp';
import type { Part } from '../datasets/split.ts';

/** Twice what the report shows, for fine screens; a smaller image stays as it is. */
const SIDE = 192;

/** One image of a part as a `data:` uri: its centred square, as the network sees it, in WebP. */
export async function toDataUri({ set, indices }: Part, index: number): Promise<string> {
  const { data, width, height, channels } = await set.image(indices[index] as number);
  const side = Math.min(width, height, SIDE);
  const webp = await sharp(data, { raw: { width, height, channels } })
    // A fourth channel says nothing: the image is flattened.
    .removeAlpha()
    .resize({ width: side, height: side, fit: 'cover' })
    .webp({ quality: 85 })
    .toBuffer();
  return `data:image/webp;base64,${webp.toString('base64')}`;
}
