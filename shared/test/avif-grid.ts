import sharp, { type Sharp } from 'sharp';
import { alphaItem, gridItem, having, makeAvif, primaryItem, type Reference } from './avif.ts';

/**
 * An AVIF cut into tiles, as phones do; some extend beyond the right and bottom edges. Alpha is a grid of
 * its own.
 *
 * @param side of a tile, in pixels
 */
export async function makeGridAvif(image: Sharp, side: number): Promise<Buffer> {
  const whole = await image.clone().raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = whole.info;
  const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)];
  const [right, bottom] = [columns * side - width, rows * side - height];
  const raw = { width, height, channels };
  const { data, info } = await sharp(whole.data, { raw })
    .extend({ right, bottom, extendWith: 'copy' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const files: Buffer[] = [];
  for (let i = 0; i < rows * columns; i++) {
    const [left, top] = [(i % columns) * side, Math.floor(i / columns) * side];
    const tile = sharp(data, { raw: { ...raw, width: info.width, height: info.height } });
    const cut = tile.extract({ left, top, width: side, height: side });
    files.push(await cut.avif({ effort: 1, chromaSubsampling: '4:2:0' }).toBuffer());
  }
  const head = gridItem(rows, columns, width, height);
  const colours = [head, ...files.map(primaryItem)];
  const tilesAt = (first: number): Reference => ({
    type: 'dimg',
    from: first,
    to: files.map((_, i) => first + 1 + i),
  });
  if (channels < 4) return makeAvif(colours, [tilesAt(0)]);
  const alphas = files.map(alphaItem);
  const kind = alphas[0]?.properties.filter((property) => property.includes('auxC')) ?? [];
  const first = colours.length;
  return makeAvif(
    [...colours, having(head, ...kind), ...alphas],
    [tilesAt(0), tilesAt(first), { type: 'auxl', from: first, to: [0] }],
  );
}
