import { expect, test } from 'vitest';
import { alphaItem, gridItem, makeAvif, primaryItem } from '../../test/avif.ts';
import { makeScanBomb } from '../../test/make-scan-bomb.ts';
import { readImage } from '../../test/read-image.ts';
import { decodeImage } from './decode-node.ts';

const limits = { maxPixels: 50_000_000, maxDecodeBytes: 64 * 1024 * 1024 };

function decode(file: Uint8Array): Promise<unknown> {
  return decodeImage(file, { size: 224, limits });
}

test('refuses a JPEG whose scans take more work than its pixels', async () => {
  await expect(decode(makeScanBomb(1024, 3))).resolves.toMatchObject({ width: 1024 });
  await expect(decode(makeScanBomb(1024, 1000))).rejects.toMatchObject({
    code: 'broken_image',
    message: expect.stringContaining('scans'),
  });
});

test('refuses an AVIF that uses a tile twice', async () => {
  const tile = primaryItem(Buffer.from(await readImage('chelsea.avif')));
  const grid = gridItem(1, 2, 2 * 451, 300);
  const twice = (to: number[], items = [grid, tile]): Buffer =>
    makeAvif(items, [{ type: 'dimg', from: 0, to }]);
  await expect(decode(twice([1, 1]))).rejects.toMatchObject({ code: 'broken_image' });
  // Two items with data of their own.
  await expect(decode(twice([1, 2], [grid, tile, tile]))).resolves.toMatchObject({ width: 902 });
});

test('refuses an AVIF whose items share their bytes', async () => {
  const veiled = Buffer.from(await readImage('veiled.avif'));
  const items = [primaryItem(veiled), alphaItem(veiled)];
  const file = makeAvif(items, [{ type: 'auxl', from: 1, to: [0] }]);
  await expect(decode(file)).resolves.toMatchObject({ width: 451 });
  // In the box of item locations, alpha gets the location and length of the colours.
  const iloc = file.indexOf('iloc') + 12;
  const entryBytes = 16;
  file.copy(file, iloc + entryBytes + 8, iloc + 8, iloc + 16);
  const shared = Buffer.concat([file.subarray(0, file.length - (items[1]?.data.length ?? 0))]);
  shared.writeUInt32BE((items[0]?.data.length ?? 0) + 8, shared.indexOf('mdat') - 4);
  await expect(decode(shared)).rejects.toMatchObject({ code: 'broken_image' });
});

test('skips a million unknown chunks of a WebP', async () => {
  const webp = await readImage('veiled.webp');
  const many = Buffer.concat([webp, Buffer.alloc(8_000_000)]);
  await expect(decode(many)).resolves.toMatchObject({ width: 451 });
});

// Views of each of their headers would take seconds.
test.each([
  ['applications', 'ffe10002'],
  ['profiles', 'ffe2000e4943435f50524f46494c4500'],
])('skips 20 MiB of empty segments of %s in a JPEG', async (_, segment) => {
  const file = Buffer.from(await readImage('chelsea.jpg'));
  const filling = Buffer.alloc(
    20 * 1024 * 1024 - ((20 * 1024 * 1024) % (segment.length / 2)),
    segment,
    'hex',
  );
  const filled = Buffer.concat([file.subarray(0, 2), filling, file.subarray(2)]);
  await expect(decode(filled)).resolves.toMatchObject({ width: 451 });
});
