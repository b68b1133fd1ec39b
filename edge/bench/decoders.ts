/**
 * Compares the CPU time of the decoders with that of the Worker's former ones from @cwasm:
 * `pnpm --filter edge bench:decoders`. Both decode each file in turn in one process.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { reportFigures } from 'shared/bench/report-figures';
import { decodeImage } from 'shared/images/decode-node';
import { readJpegHeader } from 'shared/images/jpeg/jpeg-header';
import sharp, { type Sharp } from 'sharp';
import { defaultLimits } from '../src/limits.ts';
import { median } from './measuring/median.ts';

/** TypeScript has WebAssembly only among the types of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (program: object, imports: object) => { readonly exports: Former };
};

/** The exports of the former decoders, each of which has some of them. */
interface Former {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(bytes: number): number;
  free(at: number): void;
  tjInitDecompress(): number;
  tjDestroy(decompressor: number): number;
  tjDecompress2(...numbers: number[]): number;
  WebPDecodeRGBA(file: number, bytes: number, width: number, height: number): number;
}

async function loadFormer(url: string): Promise<() => Former> {
  const program = new WebAssembly.Module(await readFile(fileURLToPath(url)));
  const nothing = () => 0;
  const names = [
    'environ_sizes_get',
    'environ_get',
    'proc_exit',
    'fd_close',
    'fd_seek',
    'fd_write',
  ];
  const wasi = Object.fromEntries(names.map((name) => [name, nothing]));
  const env = { setjmp: nothing, longjmp: nothing };
  return () => new WebAssembly.Instance(program, { env, wasi_snapshot_preview1: wasi }).exports;
}

const startJpeg = await loadFormer(import.meta.resolve('@cwasm/jpeg-turbo/jpeg-turbo.wasm'));
const startWebp = await loadFormer(import.meta.resolve('@cwasm/webp/webp.wasm'));
let keptJpeg: Former | undefined;

function place(decoder: Former, file: Uint8Array): number {
  const at = decoder.malloc(file.length);
  new Uint8Array(decoder.memory.buffer).set(file, at);
  return at;
}

/** As in the former Worker, which kept small instances. */
function decodeFormerJpeg(file: Uint8Array, divisor: number): Uint8Array {
  const header = readJpegHeader(file);
  if (!header) throw new Error('The file is not a JPEG.');
  const turbo = keptJpeg ?? startJpeg();
  keptJpeg = undefined;
  const [width, height] = [header.width, header.height].map((side) => Math.ceil(side / divisor));
  const bytes = (width as number) * (height as number) * 4;
  const fileAt = place(turbo, file);
  const pixelsAt = turbo.malloc(bytes);
  const decompressor = turbo.tjInitDecompress();
  const rest = [pixelsAt, width as number, (width as number) * 4, height as number, 2, 0];
  const status = turbo.tjDecompress2(decompressor, fileAt, file.length, ...rest);
  if (status !== 0) throw new Error(`libjpeg-turbo returned ${status}.`);
  const pixels = new Uint8Array(turbo.memory.buffer, pixelsAt, bytes);
  if (turbo.memory.buffer.byteLength > 8 * 1024 * 1024) return pixels;
  const copy = pixels.slice();
  turbo.tjDestroy(decompressor);
  turbo.free(pixelsAt);
  turbo.free(fileAt);
  keptJpeg = turbo;
  return copy;
}

/** The pixels only, which the former Worker then reduced. */
function decodeFormerWebp(file: Uint8Array): void {
  const decoder = startWebp();
  const out = decoder.malloc(8);
  const pixelsAt = decoder.WebPDecodeRGBA(place(decoder, file), file.length, out, out + 4);
  if (pixelsAt === 0) throw new Error('libwebp refused the file.');
}

const photo = (width: number): Sharp =>
  sharp(fileURLToPath(new URL('../../shared/fixtures/coffee.png', import.meta.url))).resize({
    width,
  });

type Decode = (file: Uint8Array) => unknown;

/** Name, file, former decoder, number of figures, and decodes per figure. */
const cases: readonly (readonly [string, Buffer, Decode, number, number])[] = [
  ['JPEG, 500 pixels', await photo(500).jpeg().toBuffer(), (f) => decodeFormerJpeg(f, 1), 41, 10],
  ['JPEG, 12 megapixels', await photo(4000).jpeg().toBuffer(), (f) => decodeFormerJpeg(f, 4), 9, 1],
  ['WebP, 500 pixels', await photo(500).webp().toBuffer(), decodeFormerWebp, 21, 3],
  ['WebP, 12 megapixels', await photo(4000).webp({ effort: 0 }).toBuffer(), decodeFormerWebp, 7, 1],
];

async function cpuMs(run: () => unknown, times: number): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}

const ratios: Record<string, number> = {};
const milliseconds: Record<string, number> = {};
for (const [name, file, decodeFormer, figures, times] of cases) {
  const ours: number[] = [];
  const former: number[] = [];
  // During the first figures, V8 still compiles.
  for (let i = -3; i < figures; i++) {
    const options = { size: 224, limits: defaultLimits };
    const figure = await cpuMs(() => decodeImage(file, options), times);
    const formerFigure = await cpuMs(() => decodeFormer(file), times);
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
