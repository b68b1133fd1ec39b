import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { makeAvifs } from './make-avifs.ts';
import { animate, makeChunk, makePng } from './png.ts';

/** Contents of files by name. */
export type Images = ReadonlyMap<string, Buffer>;

/** Valid images of every format and kind, made from the photos in ../fixtures. */
export async function makeImages(): Promise<Images> {
  const names = ['chelsea', 'chelsea-224', 'coffee', 'coffee-224', 'rocket', 'rocket-224'];
  const images = new Map<string, Buffer>();
  for (const name of names) {
    const file = new URL(`../fixtures/${name}.png`, import.meta.url);
    images.set(`${name}.png`, await readFile(file));
  }
  const chelsea = (): Sharp => sharp(images.get('chelsea.png'));
  const small = (): Sharp => chelsea().resize(40, 30);
  const variants: Record<string, Sharp> = {
    'chelsea.jpg': chelsea().jpeg({ quality: 90 }),
    'progressive.jpg': chelsea().jpeg({ quality: 90, progressive: true }),
    'cmyk.jpg': chelsea().toColourspace('cmyk').jpeg({ quality: 90 }),
    'grey.jpg': chelsea().greyscale().jpeg(),
    '16-bit.png': chelsea().toColourspace('rgb16').png(),
    'interlaced.png': chelsea().png({ progressive: true }),
    'palette.png': chelsea().png({ palette: true }),
    '4-bit.png': chelsea().png({ palette: true, colours: 16 }),
    '2-bit.png': chelsea().png({ palette: true, colours: 4, progressive: true }),
    'grey.png': chelsea().greyscale().png(),
    'grey-16-bit.png': chelsea().toColourspace('grey16').png(),
    'grey-alpha.png': chelsea().greyscale().ensureAlpha(0.5).png(),
    'rgba-16-bit.png': chelsea().toColourspace('rgb16').ensureAlpha(0.5).png({ progressive: true }),
    'tiny.png': sharp({ create: { width: 1, height: 1, channels: 3, background: '#888' } }).png(),
    'chelsea.webp': chelsea().webp({ quality: 90 }),
    'lossless.webp': chelsea().webp({ lossless: true }),
    'veiled.webp': chelsea().ensureAlpha(0.5).webp({ quality: 90 }),
    'chelsea.gif': chelsea().gif({ effort: 1 }),
    'interlaced.gif': chelsea().gif({ effort: 1, progressive: true }),
    'small.jpg': small().jpeg(),
    'small-progressive.jpg': small().jpeg({ progressive: true }),
    'small.png': small().png(),
    'small-palette.png': small().png({ palette: true, progressive: true }),
    'small.webp': small().ensureAlpha(0.5).webp(),
    'small-lossless.webp': small().webp({ lossless: true }),
    'small.gif': small().gif(),
    'small.avif': small().ensureAlpha(0.5).avif(),
    'image.tiff': small().tiff(),
    'large-turned.jpg': chelsea().resize(1800, 1200).withMetadata({ orientation: 6 }).jpeg(),
  };
  // Half-transparent red and fully transparent black, which must become pink and white.
  const glass = { width: 2, height: 1, channels: 4 as const };
  const glassPixels = Uint8Array.of(255, 0, 0, 128, 0, 0, 0, 0);
  variants['alpha.png'] = sharp(glassPixels, { raw: glass }).png();
  variants['alpha.webp'] = sharp(glassPixels, { raw: glass }).webp({ lossless: true, exact: true });
  variants['alpha.avif'] = sharp(glassPixels, { raw: glass }).avif({ lossless: true });
  for (let orientation = 1; orientation <= 8; orientation++) {
    const stored = await storedAs(orientation);
    const turned = (): Sharp => sharp(stored).withMetadata({ orientation });
    const name = `orientation-${orientation}`;
    variants[`${name}.jpg`] = turned().jpeg({ quality: 100, chromaSubsampling: '4:4:4' });
    variants[`${name}.png`] = turned().png();
    variants[`${name}.webp`] = turned().webp({ lossless: true });
    variants[`${name}.avif`] = turned().avif({ lossless: true });
  }
  // The second frame is another image.
  const frames = [await chelsea().png().toBuffer(), await chelsea().negate().png().toBuffer()];
  const animated = (): Sharp => sharp(frames, { join: { animated: true } });
  variants['animated.gif'] = animated().gif({ effort: 1 });
  variants['animated.webp'] = animated().webp({ quality: 90 });
  variants['small-animated.webp'] = animated().resize(40, 30).webp();
  for (const [name, variant] of Object.entries(variants)) {
    images.set(name, await variant.toBuffer());
  }
  for (const [name, file] of await makeAvifs(chelsea())) images.set(name, file);
  const canvas = Buffer.from(images.get('chelsea.gif') as Buffer);
  canvas.writeUInt16LE(2100, 6);
  canvas.writeUInt16LE(310, 8);
  images.set('canvas.gif', canvas);
  images.set('animated.png', animate(images.get('chelsea.png') as Buffer));
  // A row of black, white and a grey that stands for no colour at all; a red that does.
  const greys = { width: 3, height: 1, depth: 2, colourType: 0 };
  const greyKey = makeChunk('tRNS', Buffer.from([0, 2]));
  images.set('grey-key.png', makePng(greys, Uint8Array.of(0, 0b00_11_10_00), [greyKey]));
  const reds = { width: 2, height: 1, depth: 16, colourType: 2 };
  const redKey = makeChunk('tRNS', Buffer.from([255, 0, 0, 0, 0, 0]));
  const twoReds = Uint8Array.of(0, 255, 0, 0, 0, 0, 0, 255, 1, 0, 0, 0, 0);
  images.set('red-key.png', makePng(reds, twoReds, [redKey]));
  // How sharp decodes them.
  for (const [name, file] of [...images]) {
    if (/tiff$|cmyk|sequence|premultiplied|-224|key|^alpha|^small|^large/.test(name)) continue;
    const image = sharp(file).autoOrient().flatten({ background: '#fff' });
    images.set(`${name}.rgb`, await image.toColourspace('srgb').raw().toBuffer());
  }
  return images;
}

/** A red, green, blue and white image, stored so that `orientation` turns it upright. */
async function storedAs(orientation: number): Promise<Buffer> {
  const quarter = (background: string): Promise<Buffer> =>
    sharp({ create: { width: 32, height: 16, channels: 3, background } })
      .png()
      .toBuffer();
  const upright = await sharp({
    create: { width: 64, height: 32, channels: 3, background: '#fff' },
  })
    .composite([
      { input: await quarter('#f00'), left: 0, top: 0 },
      { input: await quarter('#0f0'), left: 32, top: 0 },
      { input: await quarter('#00f'), left: 0, top: 16 },
    ])
    .png()
    .toBuffer();
  // The inverse of the transformation that the orientation means; sharp mirrors before it rotates.
  const inverses: Record<number, (image: Sharp) => Sharp> = {
    2: (image) => image.flop(),
    3: (image) => image.rotate(180),
    4: (image) => image.flip(),
    6: (image) => image.rotate(270),
    8: (image) => image.rotate(90),
  };
  const mirrored = orientation === 5 || orientation === 7;
  const source = mirrored ? await sharp(upright).flop().png().toBuffer() : upright;
  const inverse = inverses[{ 5: 6, 7: 8 }[orientation] ?? orientation];
  return inverse ? inverse(sharp(source)).png().toBuffer() : source;
}
