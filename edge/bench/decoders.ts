/**
 * Compares the CPU time of the decoders with that of the Worker's former ones:
 * `pnpm --filter edge bench:decoders`. Both decode each file in turn in one process.
 */
import { fileURLToPath } from 'node:url';
import { reportFigures } from 'shared/bench/report-figures';
import { decodeImage } from 'shared/images/decode-node';
import sharp, { type Sharp } from 'sharp';
import { defaultLimits } from '../src/limits.ts';
import { median } from './measuring/median.ts';
import { loadFormerDecoders } from './peers/former-decoders.ts';

const SIZE = 224;
const decodeFormer = await loadFormerDecoders();

const photo = (width: number): Sharp =>
  sharp(fileURLToPath(new URL('../../shared/fixtures/coffee.png', import.meta.url))).resize({
    width,
  });

/** Name, file, number of figures, and decodes per figure. */
const cases: readonly (readonly [string, Buffer, number, number])[] = [
  ['JPEG, 500 pixels', await photo(500).jpeg().toBuffer(), 41, 10],
  ['JPEG, 12 megapixels', await photo(4000).jpeg().toBuffer(), 9, 1],
  ['PNG, 500 pixels', await photo(500).png().toBuffer(), 21, 3],
  ['PNG, 12 megapixels', await photo(4000).png().toBuffer(), 7, 1],
  ['WebP, 500 pixels', await photo(500).webp().toBuffer(), 21, 3],
  ['WebP, 12 megapixels', await photo(4000).webp({ effort: 0 }).toBuffer(), 7, 1],
  ['AVIF, 500 pixels', await photo(500).avif({ effort: 2 }).toBuffer(), 21, 3],
  ['AVIF, 12 megapixels', await photo(4000).avif({ effort: 0 }).toBuffer(), 7, 1],
];

async function cpuMs(run: () => unknown, times: number): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}

const ratios: Record<string, number> = {};
const milliseconds: Record<string, number> = {};
for (const [name, file, figures, times] of cases) {
  const ours: number[] = [];
  const former: number[] = [];
  // During the first figures, V8 still compiles.
  for (let i = -3; i < figures; i++) {
    const options = { size: SIZE, limits: defaultLimits };
    const figure = await cpuMs(() => decodeImage(file, options), times);
    const formerFigure = await cpuMs(() => decodeFormer(file, SIZE), times);
    if (i < 0) continue;
    ours.push(figure);
    former.push(formerFigure);
  }
  const [a, b] = [median(ours), median(former)];
  ratios[name] = b / a;
  milliseconds[name] = a;
  console.log(`${name}: ${a.toFixed(2)} ms, formerly ${b.toFixed(2)} ms: ${(a / b).toFixed(2)} ×`);
}
await reportFigures('edge bench:decoders', {
  ratio_former: Math.min(...Object.values(ratios)),
  ratios,
  cpu_ms: milliseconds,
});
