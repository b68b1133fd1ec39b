import { expect, test } from 'vitest';
import { giantTable, proPhoto, swapped } from '../../../test/icc.ts';
import { decoderPrograms } from '../decode-node.ts';
import type { DecoderPrograms } from '../decoder-programs.ts';
import type { Colours } from '../image.ts';
import { profileOfCodes } from './colour-codes.ts';
import { convertToSrgb, lcms2Version } from './convert-to-srgb.ts';

/** Red, green, and a grey. */
const samples = [255, 0, 0, 0, 0, 255, 0, 0, 128, 128, 128, 0];

async function convert(
  profile: Uint8Array | undefined,
  components: Colours['components'] = 3,
  programs: DecoderPrograms = decoderPrograms,
): Promise<number[][]> {
  const image = { width: 3, height: 1, channels: 4, data: Uint8Array.from(samples) } as const;
  const { data } = await convertToSrgb(image, { components, profile }, programs);
  return [0, 4, 8].map((at) => [...data.subarray(at, at + 3)]);
}

const unchanged = await convert(undefined);

test('converts by one profile after another', async () => {
  const first = await convert(swapped);
  expect(first[0]?.[1]).toBeGreaterThan(250);
  expect(first[1]?.[0]).toBeGreaterThan(250);
  const second = await convert(proPhoto);
  expect(second).not.toEqual(first);
  expect(await convert(swapped)).toEqual(first);
  expect(await convert(proPhoto)).toEqual(second);
});

test('does not load Little CMS for an sRGB profile or without a profile', async () => {
  const without: DecoderPrograms = {
    ...decoderPrograms,
    lcms2: () => Promise.reject(new Error('Little CMS was loaded.')),
  };
  const srgb = profileOfCodes(1, 13, false);
  expect(srgb).toBeDefined();
  for (const profile of [srgb, undefined]) {
    expect(await convert(profile, 3, without)).toEqual(unchanged);
  }
  await expect(convert(swapped, 3, without)).rejects.toThrow('was loaded');
});

test('ignores a profile whose tables need too much memory', async () => {
  expect(await convert(giantTable(10))).not.toEqual(unchanged);
  expect(await convert(giantTable(80))).toEqual(unchanged);
});

test('ignores a profile that is damaged anywhere', async () => {
  for (let at = 0; at < swapped.length; at++) {
    const damaged = swapped.slice();
    damaged.fill(0xff, at, Math.min(at + 4, damaged.length));
    const result = await convert(damaged);
    expect(result.flat().every((sample) => sample >= 0 && sample <= 255)).toBe(true);
    expect(await convert(damaged.subarray(0, at))).toEqual(unchanged);
  }
});

test('treats CMYK as inverted, as all programs write it', async () => {
  expect(await convert(undefined, 4)).toEqual([
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  const data = Uint8Array.of(255, 128, 0, 255, 255, 255, 255, 128);
  const image = { width: 2, height: 1, channels: 4, data } as const;
  await convertToSrgb(image, { components: 4 }, decoderPrograms);
  expect([...data.subarray(0, 3), ...data.subarray(4, 7)]).toEqual([255, 128, 0, 128, 128, 128]);
});

test('uses Little CMS 2.19', async () => {
  expect(lcms2Version(await decoderPrograms.lcms2())).toBe(2190);
});
