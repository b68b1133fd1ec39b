import { concatenate } from '../../contract/concatenate.ts';
import { nameAt } from '../bytes.ts';
import { BoxReader, type IsoBox, refuseMany, walkBoxes } from './iso-boxes.ts';

/** The items in the `meta` box of a HEIF file: images and their parts. */
export interface HeifItems {
  readonly primary: number;
  /** Four letters, `av01` and `grid` among them. */
  typeOf(id: number): string | undefined;
  /** In the order in which they must be applied. */
  propertiesOf(id: number): readonly IsoBox[];
  /** The items to which `id` has references of a type. */
  referencesOf(type: string, id: number): readonly number[];
  /** The items that have a reference of a type to `id`. */
  referrersOf(type: string, id: number): readonly number[];
  /** @throws Error where a part of the data is missing */
  dataOf(id: number): Uint8Array;
}

interface Reference {
  readonly type: string;
  readonly from: number;
  readonly to: readonly number[];
}

/** Locations of an item's data, unparsed, since most items of a hostile file are never read. */
interface Location {
  readonly isInIdat: boolean;
  readonly base: number;
  readonly extents: number;
  readonly rest: Uint8Array;
}

/** The most pieces of an item; usual files have one. */
const maxExtents = 16;

/** The most properties of an item; an image has at most a dozen. */
const maxProperties = 32;

/**
 * @param file the whole file
 * @returns undefined where it has no primary item
 * @throws Error for boxes that are not valid
 * @see ISO/IEC 14496-12, 8.11 and ISO/IEC 23008-12, 9.3
 */
export function readHeifItems(file: Uint8Array): HeifItems | undefined {
  const meta = find(walkBoxes(file), 'meta');
  if (!meta) return undefined;
  // After the version and flags.
  const boxes = [...walkBoxes(meta.subarray(4))];
  const [pitm, iinf, iloc] = ['pitm', 'iinf', 'iloc'].map((type) => find(boxes, type));
  if (!pitm || !iinf || !iloc) return undefined;
  const types = readTypes(iinf);
  const properties = readProperties(find(boxes, 'iprp') ?? new Uint8Array(0));
  const references = readReferences(find(boxes, 'iref'));
  const { locations, offsetBytes, lengthBytes, indexBytes } = readLocations(iloc);
  const idat = find(boxes, 'idat') ?? new Uint8Array(0);
  let readBytes = 0;
  return {
    primary: readPrimary(pitm),
    typeOf: (id) => types.get(id),
    propertiesOf: (id) => properties.get(id) ?? [],
    referencesOf: (type, id) =>
      references.find((reference) => reference.type === type && reference.from === id)?.to ?? [],
    referrersOf: (type, id) =>
      references
        .filter((reference) => reference.type === type && reference.to.includes(id))
        .map(({ from }) => from),
    dataOf(id) {
      const location = locations.get(id);
      if (!location || location.extents === 0 || location.extents > maxExtents) {
        throw new Error(`Item ${id} has no readable data.`);
      }
      const { isInIdat, base, extents, rest } = location;
      const source = isInIdat ? idat : file;
      const reader = new BoxReader(rest);
      const pieces = Array.from({ length: extents }, () => {
        reader.skip(indexBytes);
        const start = base + reader.uint(offsetBytes);
        const length = reader.uint(lengthBytes);
        const end = length === 0 ? source.length : start + length;
        if (start >= end || end > source.length) throw new Error(`Item ${id} is cut off.`);
        return source.subarray(start, end);
      });
      // Items must not share bytes, since each would be decoded, and copied if it has pieces.
      for (const { length } of pieces) readBytes += length;
      if (readBytes > file.length) throw new Error('The items have more bytes than the file.');
      return concatenate(pieces);
    },
  };
}

/** The contents of the first box of a type. */
export function find(boxes: Iterable<IsoBox>, type: string): Uint8Array | undefined {
  for (const box of boxes) if (box.type === type) return box.data;
  return undefined;
}

function readPrimary(pitm: Uint8Array): number {
  const reader = new BoxReader(pitm);
  const version = reader.uint(1);
  reader.skip(3);
  return reader.uint(version === 0 ? 2 : 4);
}

function readTypes(iinf: Uint8Array): ReadonlyMap<number, string> {
  const header = new BoxReader(iinf);
  const version = header.uint(1);
  header.skip(3 + (version === 0 ? 2 : 4));
  const types = new Map<number, string>();
  for (const { type, data } of walkBoxes(header.rest())) {
    if (type !== 'infe') continue;
    const reader = new BoxReader(data);
    const idBytes = reader.uint(1) > 2 ? 4 : 2;
    reader.skip(3);
    // The id is followed by an index of its protection.
    types.set(reader.uint(idBytes), nameAt(data, 4 + idBytes + 2));
  }
  return types;
}

function readProperties(iprp: Uint8Array): ReadonlyMap<number, readonly IsoBox[]> {
  const boxes = [...walkBoxes(iprp)];
  const all = [...walkBoxes(find(boxes, 'ipco') ?? new Uint8Array(0))];
  const properties = new Map<number, readonly IsoBox[]>();
  let count = 0;
  for (const { type, data } of boxes) {
    if (type !== 'ipma') continue;
    const reader = new BoxReader(data);
    const idBytes = reader.uint(1) < 1 ? 2 : 4;
    const isWide = (reader.uint(3) & 1) === 1;
    const entries = reader.uint(4);
    for (let i = 0; i < entries; i++) {
      const id = reader.uint(idBytes);
      refuseMany(++count);
      const length = reader.uint(1);
      if (length > maxProperties) throw new Error(`Item ${id} has ${length} properties.`);
      const indices = Array.from({ length }, () =>
        // The highest bit says whether a reader must support the property.
        isWide ? reader.uint(2) & 0x7fff : reader.uint(1) & 0x7f,
      );
      const boxesOfItem = indices.map((index) => all[index - 1]).filter((box) => box !== undefined);
      properties.set(id, boxesOfItem);
    }
  }
  return properties;
}

function readReferences(iref: Uint8Array | undefined): readonly Reference[] {
  if (!iref) return [];
  const idBytes = iref[0] === 0 ? 2 : 4;
  let count = 0;
  return [...walkBoxes(iref.subarray(4))].map(({ type, data }) => {
    const reader = new BoxReader(data);
    const from = reader.uint(idBytes);
    const length = reader.uint(2);
    count += length;
    refuseMany(count);
    return { type, from, to: Array.from({ length }, () => reader.uint(idBytes)) };
  });
}

function readLocations(iloc: Uint8Array): {
  readonly locations: ReadonlyMap<number, Location>;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly indexBytes: number;
} {
  const reader = new BoxReader(iloc);
  const version = reader.uint(1);
  reader.skip(3);
  const sizes = reader.uint(2);
  const [offsetBytes, lengthBytes, baseBytes] = [sizes >> 12, (sizes >> 8) & 15, (sizes >> 4) & 15];
  const indexBytes = version === 0 ? 0 : sizes & 15;
  const items = reader.uint(version < 2 ? 2 : 4);
  refuseMany(items);
  const locations = new Map<number, Location>();
  for (let i = 0; i < items; i++) {
    const id = reader.uint(version < 2 ? 2 : 4);
    const method = version === 0 ? 0 : reader.uint(2) & 15;
    // An index of other files, which are not supported.
    reader.skip(2);
    const base = reader.uint(baseBytes);
    const extents = reader.uint(2);
    // The third method refers to another item, which AVIF never does.
    if (method < 2)
      locations.set(id, { isInIdat: method === 1, base, extents, rest: reader.rest() });
    reader.skip(extents * (indexBytes + offsetBytes + lengthBytes));
  }
  return { locations, offsetBytes, lengthBytes, indexBytes };
}
