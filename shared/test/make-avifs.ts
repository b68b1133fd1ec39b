import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { alphaItem, box, having, makeAvif, primaryItem, uint } from './avif.ts';
import { makeGridAvif } from './avif-grid.ts';
import type { Images } from './make-images.ts';

/** Files of another encoder; see fixtures/README.md. */
const fixtures = ['422', 'grain', 'limited', 'sequence'];

/** AVIF files of every kind. @param chelsea 451 × 300 pixels */
export async function makeAvifs(chelsea: Sharp): Promise<Images> {
  const encode = (options: Parameters<Sharp['avif']>[0] = {}, image = chelsea): Promise<Buffer> =>
    image
      .clone()
      .avif({ effort: 2, ...options })
      .toBuffer();
  const grey = await chelsea.clone().extractChannel('green').toBuffer();
  const veiled = chelsea.clone().joinChannel(grey);
  const [whole, veiledFile] = await Promise.all([encode(), encode({}, veiled)]);
  const coded = primaryItem(whole);
  const darker = primaryItem(await encode({}, await multiplyByAlpha(veiled)));
  const alpha = alphaItem(veiledFile);
  const asAlpha = { type: 'auxl', from: 1, to: [0] };
  const asMultiplied = { type: 'prem', from: 0, to: [1] };
  const avifs = new Map([
    ['chelsea.avif', whole],
    ['420.avif', await encode({ chromaSubsampling: '4:2:0' })],
    ['10-bit.avif', await encode({ bitdepth: 10 })],
    ['12-bit-420.avif', await encode({ bitdepth: 12, chromaSubsampling: '4:2:0' })],
    ['lossless.avif', await encode({ lossless: true })],
    ['veiled.avif', veiledFile],
    ['premultiplied.avif', makeAvif([darker, alpha], [asAlpha, asMultiplied])],
    ['grey.avif', makeAvif([alpha])],
    ['bt709.avif', makeAvif([having(coded, nclx(1, true))])],
    ['bt2020-limited.avif', makeAvif([having(coded, nclx(9, false))])],
    ['ycgco.avif', makeAvif([having(coded, nclx(8, true))])],
    [
      'cropped.avif',
      makeAvif([
        having(coded, clap(101, 50, -20, 10), box('irot', uint(1, 1)), box('imir', uint(0, 1))),
      ]),
    ],
    ['grid.avif', await makeGridAvif(chelsea, 192)],
    ['veiled-grid.avif', await makeGridAvif(veiled, 192)],
    ['small-grid.avif', await makeGridAvif(veiled.clone().resize(80, 60), 64)],
  ]);
  for (const name of fixtures) {
    avifs.set(`${name}.avif`, await readFile(new URL(`../fixtures/${name}.avif`, import.meta.url)));
  }
  return avifs;
}

/** @returns the image without alpha */
async function multiplyByAlpha(image: Sharp): Promise<Sharp> {
  const { data, info } = await image.clone().raw().toBuffer({ resolveWithObject: true });
  const darker = Buffer.alloc(info.width * info.height * 3);
  for (let pixel = 0; pixel < info.width * info.height; pixel++) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(pixel * 4, pixel * 4 + 4);
    darker.set(
      [red, green, blue].map((sample) => Math.round((sample * alpha) / 255)),
      pixel * 3,
    );
  }
  return sharp(darker, { raw: { ...info, channels: 3 } });
}

function nclx(matrix: number, isFullRange: boolean): Buffer {
  const colours = [uint(1, 2), uint(13, 2), uint(matrix, 2), uint(isFullRange ? 128 : 0, 1)];
  return box('colr', Buffer.from('nclx'), ...colours);
}

/** A crop whose centre is a number of pixels away from the centre of the image. */
export function clap(width: number, height: number, right: number, down: number): Buffer {
  const fractions = [width, height, right, down].flatMap((value) => [
    uint(value >>> 0, 4),
    uint(1, 4),
  ]);
  return box('clap', ...fractions);
}
