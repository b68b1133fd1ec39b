import { nameAt } from '../bytes.ts';
import { ImageError } from '../image-error.ts';
import { find, type HeifItems, readHeifItems } from './heif-items.ts';
import { readHeifProfile } from './heif-profile.ts';
import { BoxReader, walkBoxes } from './iso-boxes.ts';

export interface AvifHeader {
  /** In pixels, after cropping and before turning. */
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  /** Position of the cropped image in the coded one. */
  readonly left: number;
  readonly top: number;
  readonly colour: CodedImage;
  /** Of the same size as {@link AvifHeader.colour}. */
  readonly alpha: CodedImage | undefined;
  /** Whether the colours are already multiplied by alpha. */
  readonly isPremultiplied: boolean;
  /** Overrides the colours that the coded image declares. */
  readonly nclx: Nclx | undefined;
  /** An ICC profile. */
  readonly profile: Uint8Array | undefined;
}

/** An image in one piece, or a grid of equal tiles, which may extend beyond its right and bottom edges. */
export interface CodedImage {
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** AV1 data, row by row. */
  readonly tiles: readonly Uint8Array[];
}

export interface Nclx {
  /** @see ITU-T H.273, 8.3 */
  readonly matrix: number;
  readonly isFullRange: boolean;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A tile has at least 64 × 64 pixels (MIAF), so this is enough for the largest image. */
const maxTiles = 4096;

/**
 * The EXIF orientation for `irot`, in anticlockwise quarter turns, and `imir`: none, upside down, left
 * to right.
 *
 * @see ISO/IEC 23008-12, 6.5.10 and 6.5.12: the image is turned, then mirrored
 */
const orientations = [
  [1, 4, 2],
  [8, 5, 7],
  [3, 2, 4],
  [6, 7, 5],
];

/**
 * Reads the primary image from the boxes of an AVIF file; an image sequence has one too. As in browsers
 * and libvips, the orientation in EXIF is ignored in favour of `irot` and `imir`.
 *
 * @returns undefined where the primary image is not described
 * @throws ImageError `unsupported_image` where there is no AV1 image
 * @throws Error for boxes that are not valid
 * @see AV1 Image File Format, version 1.1; ISO/IEC 23008-12; ISO/IEC 23000-22 (MIAF)
 */
export function readAvifHeader(file: Uint8Array): AvifHeader | undefined {
  const items = readHeifItems(file);
  // A video without a primary image.
  if (!items && find(walkBoxes(file), 'moov')) throw unsupported();
  if (!items) return undefined;
  const { primary } = items;
  const colour = readCodedImage(items, primary);
  const alphaId = findAlpha(items);
  const alpha = alphaId === undefined ? undefined : readCodedImage(items, alphaId);
  if (!colour) return undefined;
  if (alphaId !== undefined && !(alpha && isSameSize(alpha, colour))) return undefined;
  const properties = items.propertiesOf(primary);
  const crop = readCrop(find(properties, 'clap'), colour);
  const turns = (find(properties, 'irot')?.[0] ?? 0) & 3;
  const axis = find(properties, 'imir')?.[0];
  const mirror = axis === undefined ? 0 : (axis & 1) + 1;
  return {
    ...crop,
    orientation: orientations[turns]?.[mirror] ?? 1,
    colour,
    alpha,
    isPremultiplied: alphaId !== undefined && items.referencesOf('prem', primary).includes(alphaId),
    nclx: readNclx(items),
    profile: readHeifProfile(items.propertiesOf(primary)),
  };
}

function unsupported(): ImageError {
  return new ImageError(
    'unsupported_image',
    'The AVIF file has no AV1 still image, in one piece or as a grid; send another file.',
  );
}

function readCodedImage(items: HeifItems, id: number): CodedImage | undefined {
  const size = readSize(items, id);
  if (!size) return undefined;
  const type = items.typeOf(id);
  if (type === 'grid') return readGrid(items, id, size);
  if (type !== 'av01') throw unsupported();
  const { width, height } = size;
  const tiles = [items.dataOf(id)];
  return { width, height, columns: 1, tileWidth: width, tileHeight: height, tiles };
}

/** @see ISO/IEC 23008-12, 6.6.2.3 */
function readGrid(items: HeifItems, id: number, size: Size): CodedImage | undefined {
  const reader = new BoxReader(items.dataOf(id));
  reader.skip(1);
  const numberBytes = reader.uint(1) & 1 ? 4 : 2;
  const rows = reader.uint(1) + 1;
  const columns = reader.uint(1) + 1;
  const [width, height] = [reader.uint(numberBytes), reader.uint(numberBytes)];
  const ids = items.referencesOf('dimg', id);
  const first = readSize(items, ids[0] ?? id);
  const isCounted = ids.length === rows * columns && ids.length <= maxTiles;
  // No tile may be used twice: in a hostile file, one tile would be decoded for every cell.
  if (!first || !isCounted || new Set(ids).size < ids.length) return undefined;
  // The tiles must cover the image, and each must contain a part of it.
  const covers = (tile: number, count: number, side: number): boolean =>
    tile * count >= side && tile * (count - 1) < side;
  const isCovered = covers(first.width, columns, width) && covers(first.height, rows, height);
  const isUniform = ids.every((tile) => items.typeOf(tile) === 'av01');
  if (!isSameSize(size, { width, height }) || !isCovered || !isUniform) return undefined;
  const tiles = ids.map((tile) => items.dataOf(tile));
  return { width, height, columns, tileWidth: first.width, tileHeight: first.height, tiles };
}

function isSameSize(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

function readSize(items: HeifItems, id: number): Size | undefined {
  const ispe = find(items.propertiesOf(id), 'ispe');
  if (!ispe) return undefined;
  const reader = new BoxReader(ispe);
  reader.skip(4);
  return { width: reader.uint(4), height: reader.uint(4) };
}

function findAlpha(items: HeifItems): number | undefined {
  return items.referrersOf('auxl', items.primary).find((id) => {
    const auxC = find(items.propertiesOf(id), 'auxC') ?? new Uint8Array(0);
    const kind = new TextDecoder().decode(auxC.subarray(4)).split('\0', 1)[0];
    return (
      kind === 'urn:mpeg:mpegB:cicp:systems:auxiliary:alpha' ||
      kind === 'urn:mpeg:hevc:2015:auxid:1'
    );
  });
}

/**
 * Width, height and the position of the centre, each a fraction. A crop of parts of pixels or beyond the
 * edges is as none, as in browsers.
 *
 * @see ISO/IEC 14496-12, 12.1.4
 */
function readCrop(
  clap: Uint8Array | undefined,
  { width, height }: Size,
): Pick<AvifHeader, 'width' | 'height' | 'left' | 'top'> {
  const whole = { width, height, left: 0, top: 0 };
  if (!clap || clap.length < 32) return whole;
  const reader = new BoxReader(clap);
  const fraction = (): number => reader.int32() / reader.int32();
  const [cropWidth, cropHeight, offsetX, offsetY] = [
    fraction(),
    fraction(),
    fraction(),
    fraction(),
  ];
  const left = (width - cropWidth) / 2 + offsetX;
  const top = (height - cropHeight) / 2 + offsetY;
  const isInside = left >= 0 && top >= 0 && left + cropWidth <= width && top + cropHeight <= height;
  const isWhole = [left, top, cropWidth, cropHeight].every(Number.isInteger);
  if (!isInside || !isWhole || cropWidth <= 0 || cropHeight <= 0) return whole;
  return { width: cropWidth, height: cropHeight, left, top };
}

function readNclx(items: HeifItems): Nclx | undefined {
  for (const { type, data } of items.propertiesOf(items.primary)) {
    if (type !== 'colr' || nameAt(data, 0) !== 'nclx') continue;
    const reader = new BoxReader(data);
    reader.skip(8);
    return { matrix: reader.uint(2), isFullRange: (reader.uint(1) & 0x80) !== 0 };
  }
  return undefined;
}
