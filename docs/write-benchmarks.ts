/**
 * Writes the tables of README.md and benchmarks.md that come from runs in `benchmarks/*.json`, which benches keep with
 * `--record`: `pnpm --filter docs benchmarks`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { RecordedRun } from '../shared/bench/report-figures.ts';
import { readModelCard } from '../shared/src/inference/model-directory.ts';
import { modelFiles } from '../shared/src/inference/model-files-node.ts';

/** Of `edge bench`. */
interface Serving {
  readonly ms: Readonly<Record<string, number>>;
  readonly cpu_ms: Readonly<
    Record<string, { readonly classify: number; readonly minimal: number }>
  >;
  readonly cold_start_ms: Readonly<Record<string, { readonly wallMs: number }>>;
  readonly worker_gzip_kib: number;
}

/** Of `trainer bench`. */
type Training = Readonly<
  Record<
    'graft' | 'keras' | 'torch_eager' | 'torch_compile',
    {
      readonly train_images_per_second: number;
      readonly forward_images_per_second: number;
      readonly peak_rss_mb: number;
    }
  >
>;

/** What stands between `<!-- measured: <name> -->` and `<!-- /measured -->`. */
export async function measuredTables(): Promise<Record<string, string>> {
  const serving = await readRun<Serving>('edge-bench');
  const training = await readRun<Training>('trainer-bench');
  return {
    summary: [
      '| | Graft | peers | |',
      '|---|---|---|---|',
      await summaryOfAccuracy(),
      summaryOfServing(serving.figures),
      summaryOfTraining(training.figures),
    ].join('\n'),
    serving: servingTable(serving),
    training: trainingTable(training),
  };
}

/** @returns the page with its tables written anew */
export function withTables(page: string, tables: Readonly<Record<string, string>>): string {
  return page.replace(
    /(<!-- measured: (\w+) -->\n)[\s\S]*?(<!-- \/measured -->)/g,
    (_, begin: string, name: string, end: string) => {
      const table = tables[name];
      if (table === undefined) throw new Error(`No table is called ${name}.`);
      return `${begin}${table}\n${end}`;
    },
  );
}

/** From the model's card, where an export has measured them in its own arithmetic. */
async function summaryOfAccuracy(): Promise<string> {
  const model = new URL('../edge/public/models/cifar10/', import.meta.url);
  const { card } = await readModelCard(modelFiles(model));
  const [benchmark, photos] = ['CIFAR-10', 'real photos'].map((name) =>
    card.accuracy.find(({ dataset }) => dataset === name),
  );
  if (!benchmark || !photos)
    throw new Error('Expected the accuracy of cifar10 on both in its card.');
  const of = ({ quantized, float32 }: typeof photos) => quantized ?? float32;
  const right = Math.round(of(photos) * photos.images);
  return `| CIFAR-10 test accuracy; real photos of its classes; weights | **${(of(benchmark) * 100).toFixed(1)} %; ${right} of ${photos.images}; 3.5 MB**, trained on two CPU cores | Keras tutorial: 92.6 %, 17 MB, 5½ hours on a GPU | [how](docs/benchmarks.md#accuracy), [photos](docs/benchmarks/real-photos.md) |`;
}

function summaryOfServing({ ms }: Serving): string {
  const peers = `LiteRT.js ${one(ms['litert_int8'])} in int8, ${one(ms['litert_f32'])} in float32; tfjs-wasm ${one(ms['tfjs_wasm'])}; onnxruntime-web ${one(ms['ort_web'])}`;
  return `| inference in WebAssembly, Lite0 at 224 px, one thread | **${one(ms['ours_int8'])} ms** in int8, ${one(ms['ours'])} in float32 | ${peers} | [how](docs/benchmarks.md#serving) |`;
}

function summaryOfTraining({ graft, keras, torch_eager, torch_compile }: Training): string {
  const of = (peer: Training['graft']) => peer.train_images_per_second;
  return `| training, Lite0 at 128 px, two cores | ${of(graft)} images/s | Keras ${of(keras)}; PyTorch ${of(torch_eager)}, compiled ${of(torch_compile)} | [how](docs/benchmarks.md#training) |`;
}

function servingTable(run: RecordedRun<Serving>): string {
  const { ms, cpu_ms, cold_start_ms, worker_gzip_kib } = run.figures;
  const times = (peer: string) =>
    [ms['ours_int8'], ms['ours']].map((ours) => `${((ms[peer] ?? 0) / (ours ?? 1)).toFixed(2)} ×`);
  const peers = {
    litert_int8: 'LiteRT.js in int8',
    litert_f32: 'LiteRT.js in float32',
    tfjs_wasm: 'stock tfjs-wasm',
    ort_web: 'onnxruntime-web',
    ort_web_int8: 'onnxruntime-web in int8',
    ort_native: 'native onnxruntime',
  };
  const cpu = (model: string) => one(cpu_ms[model]?.classify);
  return [
    provenance(run),
    '',
    '| inference in Node, Lite0 224 px, one thread | time | ours in int8, so many times as fast | in float32 |',
    '|---|---|---|---|',
    `| ours in int8; in float32 | **${one(ms['ours_int8'])} ms**; ${one(ms['ours'])} ms | | |`,
    ...Object.entries(peers).map(
      ([peer, name]) => `| ${name} | ${one(ms[peer])} ms | ${times(peer).join(' | ')} |`,
    ),
    '',
    '| a request that no cache answers, 500-pixel JPEG | CPU time in workerd | a Worker that only fetches, decodes, infers and answers |',
    '|---|---|---|',
    ...Object.entries({
      imagenet: '`imagenet`, 224 px, int8',
      imagenet_in_float32: '`imagenet` in float32',
      cifar10: '`cifar10`, 160 px',
      cifar10_fast: '`cifar10-fast`, 128 px',
    }).map(([model, name]) => `| ${name} | ${cpu(model)} ms | ${one(cpu_ms[model]?.minimal)} ms |`),
    '',
    `A cold isolate takes ${whole(cold_start_ms['ours']?.wallMs)} ms to the first response of \`imagenet\`, a Worker on stock tfjs ` +
      `${whole(cold_start_ms['skeleton']?.wallMs)}. The Worker without models has ${worker_gzip_kib} KiB, gzipped.`,
  ].join('\n');
}

function trainingTable(run: RecordedRun<Training>): string {
  const { graft } = run.figures;
  const names = {
    keras: 'Keras',
    torch_eager: 'PyTorch',
    torch_compile: 'PyTorch, `torch.compile`',
  };
  return [
    provenance(run),
    '',
    '| Lite0, 128 px, batch 32 | training | inference | peak memory |',
    '|---|---|---|---|',
    ...Object.entries({ graft: '**ours**', ...names }).flatMap(([key, name]) => {
      const peer = run.figures[key as keyof Training] as Training['graft'] | undefined;
      if (!peer) return [];
      const ratio = (ours: number, theirs: number) =>
        peer === graft ? '' : ` (${(ours / theirs).toFixed(2)} ×)`;
      return `| ${name} | ${peer.train_images_per_second} images/s${ratio(graft.train_images_per_second, peer.train_images_per_second)} | ${peer.forward_images_per_second} images/s${ratio(graft.forward_images_per_second, peer.forward_images_per_second)} | ${peer.peak_rss_mb} MB${ratio(peer.peak_rss_mb, graft.peak_rss_mb)} |`;
    }),
  ].join('\n');
}

function provenance({ command, date, commit, machine }: RecordedRun): string {
  const { processor, cores, instructions } = machine;
  return `\`${command}\` of ${date} at ${commit}, on ${cores} cores of ${processor.replace(/\(R\)/g, '')} with ${instructions.join(', ')}:`;
}

async function readRun<Figures extends object>(bench: string): Promise<RecordedRun<Figures>> {
  const file = new URL(`benchmarks/${bench}.json`, import.meta.url);
  return JSON.parse(await readFile(file, 'utf8')) as RecordedRun<Figures>;
}

function one(value: number | undefined): string {
  return (value ?? Number.NaN).toFixed(1);
}

function whole(value: number | undefined): string {
  return (value ?? Number.NaN).toFixed(0);
}

/** The pages that have such tables. */
export const measuredPages = ['../README.md', 'benchmarks.md'].map((page) =>
  fileURLToPath(new URL(page, import.meta.url)),
);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const tables = await measuredTables();
  for (const page of measuredPages) {
    await writeFile(page, withTables(await readFile(page, 'utf8'), tables));
  }
}
