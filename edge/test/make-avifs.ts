import { readFile } from 'node:fs/promises';
import type { Sharp } from 'sharp';
import { alphaItem, box, gridItem, type Item, makeAvif, primaryItem, uint } from './avif.ts';
import type { Pictures } from './make-pictures.ts';

/** What another encoder makes; see fixtures/README.md. */
const fixtures = ['422', 'grain', 'limited', 'sequence'];

const tile = 192;

/** AVIF files of every kind. @param chelsea 451 × 300 pixels */
export async function makeAvifs(chelsea: Sharp): Promise<Pictures> {
  const encode = (options?: Parameters<Sharp['avif']>[0]): Promise<Buffer> =>
    chelsea.clone().avif({ effort: 2, ...options }).toBuffer();
  const whole = await encode();
  const coded = primaryItem(whole);
  const bottom = { right: 3 * tile - 451, bottom: 2 * tile - 300, extendWith: 'copy' } as const;
  const larger = await chelsea.clone().ensureAlpha().extend(bottom).toBuffer();
  const veiled = await chelsea.clone().joinChannel(await chelsea.clone().greyscale().toBuffer())
    .avif({ effort: 2 })
    .toBuffer();
  const avifs = new Map([
    ['chelsea.avif', whole],
    ['420.avif', await encode({ chromaSubsampling: '4:2:0' })],
    ['10-bit.avif', await encode({ bitdepth: 10 })],
    ['12-bit-420.avif', await encode({ bitdepth: 12, chromaSubsampling: '4:2:0' })],
    ['lossless.avif', await encode({ lossless: true })],
    ['veiled.avif', veiled],
    ['grey.avif', makeAvif([alphaItem(veiled)])],
    ['turned.avif', makeAvif([withProperties(coded, box('irot', uint(1, 1)), box('imir', uint(1, 1)))])],
  ]);
  for (const name of fixtures) {
    avifs.set(`${name}.avif`, await readFile(new URL(`./fixtures/${name}.avif`, import.meta.url)));
  }
  return avifs;
}

function withProperties(item: Item, ...properties: readonly Buffer[]): Item {
  return { ...item, properties: [...item.properties, ...properties] };
}
