import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActivationMap } from 'shared/inference/graph/class-activation';
import sharp from 'sharp';
import { decodingThreads } from '../datasets/decoding/decoding-threads.ts';
import { cacheDirectory } from '../files/cache-directory.ts';
import { writeFileAtomically } from '../files/write-atomically.ts';
import { mapOpacities } from '../report/map-opacities.ts';

interface ImageFile {
  readonly path: string;
  readonly sha256: string;
}

/** Sides in pixels: twice those on the page, for high-density screens. */
const THUMBNAIL = 128;
const LARGE = 1600;
const MAP = 800;
/** Of what is laid over an image, as on the Worker's page. */
const MAP_COLOUR = [0xff, 0x5a, 0x1f] as const;

/** A small square of an image in WebP. It is made once, and kept by the image's hash. */
export async function thumbnailOf({ path, sha256 }: ImageFile): Promise<Uint8Array> {
  const kept = join(cacheDirectory(), 'thumbnails', sha256.slice(0, 2), `${sha256}.webp`);
  const known = await readFile(kept).catch(() => undefined);
  if (known) return known;
  const image = await decoded(path, THUMBNAIL);
  const size = { width: THUMBNAIL, height: THUMBNAIL, fit: 'cover' } as const;
  const made = await image.resize(size).webp({ quality: 75 }).toBuffer();
  // Without a cache everything still works, and takes longer.
  await writeFileAtomically(kept, made).catch(() => {});
  return made;
}

/** An image as the network reads it, upright and in sRGB, in WebP. */
export async function largeImageOf({ path }: ImageFile): Promise<Uint8Array> {
  const image = await decoded(path, LARGE);
  const size = { width: LARGE, height: LARGE, fit: 'inside', withoutEnlargement: true } as const;
  return image.resize(size).webp({ quality: 90 }).toBuffer();
}

/** The square of an image that the network sees, the stronger in colour the more a part speaks for a label, in WebP. */
export async function mapImageOf(
  { path }: ImageFile,
  { rows, columns, values }: ActivationMap,
): Promise<Uint8Array> {
  const cells = mapOpacities(values).map((opacity) => [...MAP_COLOUR, Math.round(255 * opacity)]);
  const raw = { width: columns, height: rows, channels: 4 } as const;
  const size = { width: MAP, height: MAP, fit: 'cover' } as const;
  const layer = await sharp(Uint8Array.from(cells.flat()), { raw })
    .resize({ ...size, fit: 'fill', kernel: 'cubic' })
    .png()
    .toBuffer();
  const image = (await decoded(path, MAP)).resize(size);
  return image
    .composite([{ input: layer }])
    .webp({ quality: 85 })
    .toBuffer();
}

async function decoded(path: string, size: number) {
  const { data, width, height, channels } = (await decodingThreads.decode(path, size)).image;
  // The fourth channel is meaningless, since the image is flattened.
  return sharp(data, { raw: { width, height, channels } }).removeAlpha();
}
