import { type HeifItems, readHeifItems } from '../src/images/avif/heif-items.ts';

/** An item of a HEIF file. A grid is kept in `idat`, all others in `mdat`. */
export interface Item {
  readonly type: string;
  readonly data: Uint8Array;
  /** Whole boxes. */
  readonly properties: readonly Buffer[];
  /** How many times its data is listed in sequence; once by default. */
  readonly extents?: number;
}

/** References from an item to others, by their indices in the list. */
export interface Reference {
  readonly type: string;
  readonly from: number;
  readonly to: readonly number[];
}

/** What a reader must know of; other readers refuse a file that does not say so. */
const essential = ['av1C', 'clap', 'irot', 'imir'];

/** An AVIF file of items, the first of which is the primary image. */
export function makeAvif(items: readonly Item[], references: readonly Reference[] = []): Buffer {
  const isGrid = ({ type }: Item): boolean => type === 'grid';
  const grids = items.filter(isGrid);
  // Equal properties are in the file once.
  const properties = new Map(
    items.flatMap((item) => item.properties).map((whole) => [whole.toString('latin1'), whole]),
  );
  const places = [...properties.keys()];
  const entries = items.map(({ type }, i) =>
    box('infe', uint(2 << 24, 4), uint(i + 1, 2), uint(0, 2), Buffer.from(`${type}\0`)),
  );
  const associations = items.map((item, i) => {
    const indices = item.properties.map((whole) => {
      const isEssential = essential.includes(whole.toString('latin1', 4, 8));
      return uint(places.indexOf(whole.toString('latin1')) + 1 + (isEssential ? 128 : 0), 1);
    });
    return Buffer.concat([uint(i + 1, 2), uint(indices.length, 1), ...indices]);
  });
  const links = references.map(({ type, from, to }) =>
    box(type, uint(from + 1, 2), uint(to.length, 2), ...to.map((id) => uint(id + 1, 2))),
  );
  const head = (locations: readonly Buffer[]): Buffer =>
    Buffer.concat([
      box('ftyp', Buffer.from('avif'), uint(0, 4), Buffer.from('avifmif1miaf')),
      box(
        'meta',
        uint(0, 4),
        box('hdlr', uint(0, 8), Buffer.from('pict'), Buffer.alloc(13)),
        box('pitm', uint(0, 4), uint(1, 2)),
        box('iinf', uint(0, 4), uint(items.length, 2), ...entries),
        box('iloc', uint(1 << 24, 4), uint(0x4400, 2), uint(items.length, 2), ...locations),
        // Other readers refuse empty ones.
        ...(grids.length > 0 ? [box('idat', ...grids.map(({ data }) => data))] : []),
        ...(links.length > 0 ? [box('iref', uint(0, 4), ...links)] : []),
        box(
          'iprp',
          box('ipco', ...properties.values()),
          box('ipma', uint(0, 4), uint(items.length, 4), ...associations),
        ),
      ),
    ]);
  const locate = (start: number): Buffer[] => {
    const at = { idat: 0, mdat: start };
    return items.map((item, i) => {
      const place = isGrid(item) ? 'idat' : 'mdat';
      const method = place === 'idat' ? 1 : 0;
      const { length } = item.data;
      const extent = Buffer.concat([uint(at[place], 4), uint(length, 4)]);
      const extents = Array<Buffer>(item.extents ?? 1).fill(extent);
      at[place] += length;
      const header = [uint(i + 1, 2), uint(method, 2), uint(0, 2), uint(extents.length, 2)];
      return Buffer.concat([...header, ...extents]);
    });
  };
  const start = head(locate(0)).length + 8;
  const coded = items.filter((item) => !isGrid(item)).map(({ data }) => data);
  return Buffer.concat([head(locate(start)), box('mdat', ...coded)]);
}

/** The coded image of an AVIF file, with its properties. */
export function primaryItem(file: Buffer): Item {
  const items = readHeifItems(file) as HeifItems;
  return itemOf(items, items.primary);
}

/** The item with its transparency. */
export function alphaItem(file: Buffer): Item {
  const items = readHeifItems(file) as HeifItems;
  return itemOf(items, items.referrersOf('auxl', items.primary)[0] as number);
}

function itemOf(items: HeifItems, id: number): Item {
  return {
    type: items.typeOf(id) as string,
    data: items.dataOf(id),
    properties: items.propertiesOf(id).map(({ type, data }) => box(type, data)),
  };
}

/** An item with further properties, whole boxes. */
export function having(item: Item, ...properties: readonly Buffer[]): Item {
  return { ...item, properties: [...item.properties, ...properties] };
}

/** An image that is cut into tiles. */
export function gridItem(rows: number, columns: number, width: number, height: number): Item {
  const data = Buffer.concat([
    ...[uint(0, 2), uint(rows - 1, 1), uint(columns - 1, 1)],
    ...[uint(width, 2), uint(height, 2)],
  ]);
  const ispe = box('ispe', uint(0, 4), uint(width, 4), uint(height, 4));
  return { type: 'grid', data, properties: [ispe] };
}

export function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const data = Buffer.concat(parts);
  return Buffer.concat([uint(data.length + 8, 4), Buffer.from(type, 'latin1'), data]);
}

export function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes > 6) return buffer;
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}
