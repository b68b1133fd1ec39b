/**
 * Writes the tables of measured figures in README.md and benchmarks.md from the runs that benches recorded with
 * `--record` and from the cards of the shipped models: `pnpm --filter docs benchmarks`.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type RecordedRun, recordOf } from '../shared/bench/report-figures.ts';
import { readModelCard } from '../shared/src/inference/model-directory.ts';
import { modelFiles } from '../shared/src/inference/model-files-node.ts';

/** Median milliseconds, of CPU time where they are not Node's. */
interface ServingFigures {
  readonly ms: Readonly<Record<string, number>>;
  readonly cpu_ms: Readonly<
    Record<string, { classify: number; underLoad: number; minimal: number }>
  >;
  readonly cold_start_ms: Readonly<Record<'ours' | 'skeleton', { wallMs: number }>>;
  readonly ratio_cold_start: number;
  readonly worker_gzip_kib: number;
  readonly top1: Readonly<Record<string, number>>;
}

interface Throughput {
  readonly train_images_per_second: number;
  readonly forward_images_per_second: number;
  readonly peak_rss_mb: number;
}
/** Ours is `graft`; ratios to peers stand beside them. */
type TrainingFigures = Readonly<Record<string, Throughput>>;

export const measuredPages = ['../README.md', 'benchmarks.md'].map((file) =>
  fileURLToPath(new URL(file, import.meta.url)),
);

/** @returns the page with each table between `<!-- measured: <name> -->` and `<!-- /measured -->` written anew */
export async function withMeasured(page: string): Promise<string> {
  const tables = await makeTables();
  return page.replace(
    /(<!-- measured: (\w+) -->\n)[\s\S]*?(<!-- \/measured -->)/g,
    (_, start: string, name: string, end: string) => {
      const table = tables[name];
      if (!table)
        throw new Error(`Expected one of ${Object.keys(tables)}, but a page names ${name}.`);
      return `${start}\n${table.join('\n')}\n\n${end}`;
    },
  );
}

async function makeTables(): Promise<Readonly<Record<string, readonly string[]>>> {
  const serving = await readRecord<ServingFigures>('edge bench');
  const training = await readRecord<TrainingFigures>('trainer bench');
  return {
    summary: summaryTable(await readAccuracy('cifar10'), serving.figures, training.figures),
    serving: servingTable(serving),
    training: trainingTable(training),
    runs: await runsTable(),
  };
}

async function readRecord<F>(bench: string): Promise<RecordedRun<F>> {
  return JSON.parse(await readFile(recordOf(bench), 'utf8')) as RecordedRun<F>;
}

/** Of a shipped model's 8-bit weights, in its card. */
async function readAccuracy(model: string) {
  const { card } = await readModelCard(
    modelFiles(new URL(`../edge/public/models/${model}/`, import.meta.url)),
  );
  const of = (dataset: string) => {
    const found = card.accuracy.find((one) => one.source === 'measured' && one.dataset === dataset);
    if (found?.source !== 'measured')
      throw new Error(`The card of ${model} has no accuracy on ${dataset}.`);
    return { images: found.images, right: found.quantized ?? found.float32 };
  };
  return { test: of('CIFAR-10'), photos: of('real photos'), bytes: card.quantization.bytes };
}

function summaryTable(
  { test, photos, bytes }: Awaited<ReturnType<typeof readAccuracy>>,
  { ms }: ServingFigures,
  training: TrainingFigures,
): string[] {
  const right = Math.round(photos.right * photos.images);
  const ours = Math.min(milliseconds(ms, 'ours'), milliseconds(ms, 'ours_int8'));
  return [
    '| | Graft | peers | |',
    '|---|---|---|---|',
    `| CIFAR-10 test accuracy; real photos of its classes; weights | **${percent(test.right)} %; ${right} of ${photos.images}; ${(bytes / 1e6).toFixed(1)} MB**, trained on two CPU cores | Keras tutorial: 92.6 %, 17 MB, 5½ hours on a GPU | [how](docs/benchmarks.md#accuracy), [photos](docs/benchmarks/real-photos.md) |`,
    `| inference in WebAssembly, Lite0 at 224 px, one thread | **${ours.toFixed(1)} ms** | LiteRT.js int8 ${one(ms, 'litert_int8')}, tfjs-wasm ${one(ms, 'tfjs_wasm')}, onnxruntime-web ${one(ms, 'ort_web')} | [how](docs/benchmarks.md#serving) |`,
    `| training, Lite0 at 128 px, two cores | **${rate(training, 'graft')} images/s** | Keras with oneDNN ${rate(training, 'keras')}, PyTorch ${bestTorch(training)} | [how](docs/benchmarks.md#training) |`,
  ];
}

function servingTable({ figures }: RecordedRun<ServingFigures>): string[] {
  const { ms, cpu_ms: cpu, cold_start_ms: cold } = figures;
  const times = (peer: string, own: string) =>
    `${(milliseconds(ms, peer) / milliseconds(ms, own)).toFixed(2)} ×`;
  const request = (model: string, part: 'classify' | 'underLoad' | 'minimal') =>
    (cpu[model]?.[part] ?? Number.NaN).toFixed(1);
  const row = (title: string, part: 'classify' | 'underLoad' | 'minimal') =>
    `| ${title} | ${request('imagenet', part)} ms | ${request('imagenet_in_float32', part)} ms | |`;
  return [
    '| | ours in int8 | ours in float32 | peers |',
    '|---|---|---|---|',
    `| inference in Node, Lite0 224 px, one thread | **${one(ms, 'ours_int8')} ms** | **${one(ms, 'ours')} ms** | LiteRT.js ${one(ms, 'litert_f32')}, its int8 ${one(ms, 'litert_int8')}, stock tfjs-wasm ${one(ms, 'tfjs_wasm')}, onnxruntime-web ${one(ms, 'ort_web')}, its int8 ${one(ms, 'ort_web_int8')}, native onnxruntime ${one(ms, 'ort_native')} |`,
    ...(['litert_f32', 'litert_int8', 'tfjs_wasm', 'ort_web'] as const).map(
      (peer) =>
        `| times as fast as ${PEERS[peer]} | ${times(peer, 'ours_int8')} | ${times(peer, 'ours')} | |`,
    ),
    row('a request that no cache answers, 500-pixel JPEG, `imagenet` 224 px, CPU time', 'classify'),
    row('the same with eight clients at once', 'underLoad'),
    row('a Worker that only fetches, decodes, infers and answers', 'minimal'),
    `| a request to \`cifar10\`, 160 px | **${request('cifar10', 'classify')} ms** | | |`,
    `| a request to \`cifar10-fast\`, 128 px | **${request('cifar10_fast', 'classify')} ms** | | |`,
    `| cold isolate to first response, \`imagenet\` | ${cold.ours.wallMs.toFixed(0)} ms | | a Worker on stock tfjs ${cold.skeleton.wallMs.toFixed(0)} ms (${figures.ratio_cold_start.toFixed(2)} ×) |`,
    `| Worker without models | ${figures.worker_gzip_kib.toFixed(0)} KiB gzipped | | |`,
  ];
}

const PEERS = {
  litert_f32: 'LiteRT.js in float32',
  litert_int8: 'LiteRT.js in int8',
  tfjs_wasm: 'stock tfjs-wasm',
  ort_web: 'onnxruntime-web',
} as const;

const TRAINERS: Readonly<Record<string, string>> = {
  graft: '**Graft**',
  keras: 'Keras, with oneDNN',
  torch_eager: 'PyTorch, channels last',
  torch_compile: 'PyTorch, `torch.compile`',
};

function trainingTable({ figures }: RecordedRun<TrainingFigures>): string[] {
  const { graft } = figures;
  if (!graft) throw new Error('The recorded run of trainer bench has no figures of ours.');
  const times = (own: number, other: number) =>
    own === other ? '' : ` (${(own / other).toFixed(2)} ×)`;
  return [
    '| Lite0, 128 px, batch 32, two cores | training, images/s | inference, images/s | peak memory, MB |',
    '|---|---|---|---|',
    ...Object.entries(TRAINERS).flatMap(([name, title]) => {
      const peer = figures[name];
      if (!peer) return [];
      const [train, forward] = (
        ['train_images_per_second', 'forward_images_per_second'] as const
      ).map((key) => `${peer[key]}${times(graft[key], peer[key])}`);
      return [
        `| ${title} | ${train} | ${forward} | ${peer.peak_rss_mb}${times(peer.peak_rss_mb, graft.peak_rss_mb)} |`,
      ];
    }),
  ];
}

/** All recorded runs, with where and when they ran. */
async function runsTable(): Promise<string[]> {
  const folder = new URL('benchmarks/', import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  const rows = await Promise.all(
    files.map(async (file) => {
      const run = JSON.parse(await readFile(new URL(file, folder), 'utf8')) as RecordedRun;
      const { processor, instructions, cores } = run.machine;
      return `| [\`${run.command}\`](benchmarks/${file}) | ${run.date} | ${run.commit} | ${processor}, ${instructions.join(', ')}, ${cores} cores |`;
    }),
  );
  return ['| command | date | commit | machine |', '|---|---|---|---|', ...rows];
}

function milliseconds(ms: ServingFigures['ms'], peer: string): number {
  const value = ms[peer];
  if (value === undefined) throw new Error(`The recorded run of edge bench lacks ${peer}.`);
  return value;
}

function one(ms: ServingFigures['ms'], peer: string): string {
  return milliseconds(ms, peer).toFixed(1);
}

function percent(fraction: number): string {
  return (fraction * 100).toFixed(1);
}

function rate(figures: TrainingFigures, name: string): string {
  return String(figures[name]?.train_images_per_second ?? '–');
}

function bestTorch(figures: TrainingFigures): string {
  const rates = ['torch_eager', 'torch_compile'].flatMap(
    (name) => figures[name]?.train_images_per_second ?? [],
  );
  return rates.length > 0 ? String(Math.max(...rates)) : '–';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of measuredPages) {
    await writeFile(page, await withMeasured(await readFile(page, 'utf8')));
  }
}
