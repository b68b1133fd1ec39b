/** Tags of an ICC profile, by name. */
type Tags = Readonly<Record<string, Buffer>>;

/** A profile of a device. @see ICC.1:2022, 7 */
function makeIcc(space: 'RGB ' | 'GRAY' | 'CMYK', connection: 'XYZ ' | 'Lab ', tags: Tags): Buffer {
  const header = Buffer.alloc(128);
  header.writeUInt32BE(0x02400000, 8);
  header.write(`mntr${space}${connection}`, 12);
  header.write('acsp', 36);
  header.set(xyz(0.9642, 1, 0.8249).subarray(8), 68);
  const entries = Object.entries(tags);
  let at = 128 + 4 + entries.length * 12;
  const table = entries.map(([name, data]) => {
    const entry = Buffer.alloc(12);
    entry.write(name);
    entry.writeUInt32BE(at, 4);
    entry.writeUInt32BE(data.length, 8);
    at += data.length;
    return entry;
  });
  const count = Buffer.alloc(4);
  count.writeUInt32BE(entries.length);
  header.writeUInt32BE(at, 0);
  return Buffer.concat([header, count, ...table, ...Object.values(tags)]);
}

function xyz(...values: number[]): Buffer {
  const tag = Buffer.alloc(20);
  tag.write('XYZ ');
  for (const [i, value] of values.entries()) tag.writeInt32BE(Math.round(value * 65536), 8 + i * 4);
  return tag;
}

function gamma(exponent: number): Buffer {
  const tag = Buffer.alloc(16);
  tag.write('curv');
  tag.writeUInt32BE(1, 8);
  tag.writeUInt16BE(Math.round(exponent * 256), 12);
  return tag;
}

function rgbIcc(colorants: readonly (readonly number[])[], exponent: number): Buffer {
  const [red = [], green = [], blue = []] = colorants;
  const curve = gamma(exponent);
  const columns = { rXYZ: xyz(...red), gXYZ: xyz(...green), bXYZ: xyz(...blue) };
  return makeIcc('RGB ', 'XYZ ', { ...columns, rTRC: curve, gTRC: curve, bTRC: curve });
}

const [red, green, blue] = [
  [0.4361, 0.2225, 0.0139],
  [0.3851, 0.7169, 0.0971],
  [0.1431, 0.0606, 0.7141],
] as const;

/** Swaps red and green, which is obvious in any image. */
export const swapped = rgbIcc([green, red, blue], 2.2);

export const proPhoto = rgbIcc(
  [
    [0.79767, 0.28804, 0],
    [0.13519, 0.71188, 0],
    [0.03134, 0.00008, 0.82491],
  ],
  1.8,
);

export const linearGrey = makeIcc('GRAY', 'XYZ ', { kTRC: gamma(1) });

/** A table of the colours of each ink and of all inks together, for an odd printer whose black is green. */
export const oddInks = makeIcc('CMYK', 'Lab ', { A2B0: inkTable() });

/** @see ICC.1:2022, 10.11, lut8Type */
function inkTable(): Buffer {
  const header = Buffer.alloc(48);
  header.write('mft1');
  header.set([4, 3, 2], 8);
  for (const at of [12, 28, 44]) header.writeInt32BE(65536, at);
  const ramp = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const nodes = Array.from({ length: 16 }, (_, node) => {
    const [cyan = 0, magenta = 0, yellow = 0, black = 0] = [8, 4, 2, 1].map((bit) =>
      node & bit ? 1 : 0,
    );
    const light = 255 * (1 - 0.2 * (cyan + magenta + yellow)) * (1 - 0.6 * black);
    return [light, 128 - 40 * cyan + 60 * magenta - 50 * black, 128 - 40 * cyan + 70 * yellow];
  });
  return Buffer.concat([
    header,
    ...Array(4).fill(ramp),
    Buffer.from(nodes.flat()),
    ...Array(3).fill(ramp),
  ]);
}

/** A table of noise with `grid` colours per channel. @see ICC.1:2022, 10.10, lut16Type */
export function giantTable(grid: number): Buffer {
  const table = Buffer.alloc(52 + 3 * 2 * 2 + grid ** 3 * 3 * 2 + 3 * 2 * 2);
  for (let at = 52; at < table.length; at++) table[at] = Math.imul(at, 2654435761) >>> 24;
  table.write('mft2');
  table.set([3, 3, grid], 8);
  for (const at of [12, 28, 44]) table.writeInt32BE(65536, at);
  table.writeUInt16BE(2, 48);
  table.writeUInt16BE(2, 50);
  return makeIcc('RGB ', 'Lab ', { A2B0: table });
}
