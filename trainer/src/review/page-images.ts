import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { decodingThreads } from '../datasets/decoding/decoding-threads.ts';
import { cacheDirectory } from '../files/cache-directory.ts';
import { writeFileAtomically } from '../files/write-atomically.ts';

interface ImageFile {
  readonly path: string;
  readonly sha256: string;
}

/** Sides in pixels: twice those on the page, for high-density screens. */
const THUMBNAIL = 128;
const LARGE = 1600;

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

async function decoded(path: string, size: number) {
  const { data, width, height, channels } = (await decodingThreads.decode(path, size)).image;
  // The fourth channel is meaningless, since the image is flattened.
  return sharp(data, { raw: { width, height, channels } }).removeAlpha();
}
