/**
 * Measures the Worker and its peers in the same run: `pnpm --filter edge bench`, about four minutes on
 * Linux. The last line is JSON; a ratio above 1 means that we are that many times as fast.
 *
 * The first run installs onnxruntime's quantizer and TensorFlow's converter for Python into the cache
 * folder.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import { readModelCard } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import type { AccuracyFigures } from './accuracy-in-node.ts';
import { measureBundle } from './bundle-size.ts';
import { measureColdStarts } from './cold-start.ts';
import type { NodeFigures, Peer } from './inference-in-node.ts';
import type { LayerTime } from './measuring/profile-layers.ts';
import { CLIENTS, type CpuTimes, measureRequests } from './requests-in-workerd.ts';

const node = await runInNode<NodeFigures>('inference-in-node.ts');
const gflops = (ms: number): number => node.gigaflop / (ms / 1000);
const peers: Record<Peer, string> = {
  ours: 'ours, float32',
  ours_int8: 'ours, int8',
  tfjs_wasm: 'stock tfjs-wasm',
  litert_f32: 'LiteRT.js, float32',
  litert_int8: 'LiteRT.js, int8',
  ort_web: 'onnxruntime-web, float32',
  ort_web_int8: 'onnxruntime-web, int8',
  tfjs_cpu: 'tfjs in plain JavaScript',
  ort_native: 'native onnxruntime, float32',
};
title('EfficientNet-Lite0, 224 px, one image, one thread, in Node');
for (const [peer, name] of Object.entries(peers) as [Peer, string][]) {
  const ms = node.ms[peer];
  console.log(
    `${name.padEnd(30)}${ms.toFixed(1).padStart(8)} ms${gflops(ms).toFixed(1).padStart(7)} GFLOP/s` +
      `   furthest probability ${node.apart[peer].toExponential(0)} apart`,
  );
}
console.log(
  `One thread of WebAssembly has ${node.peaks.fma.toFixed(0)} GFLOP/s of relaxed FMA, and we are at ${percent(gflops(node.ms.ours) / node.peaks.fma)}\n` +
    'of that, including products by zero, most of which our kernels skip;\n' +
    `it has ${node.peaks.dot.toFixed(0)} GOP/s of dot products in 8 bits: at most ${(node.peaks.dot / node.peaks.fma).toFixed(1)} × as fast, and we are ${(node.ms.ours / node.ms.ours_int8).toFixed(2)} ×.`,
);
const { images, top1 } = await runInNode<AccuracyFigures>('accuracy-in-node.ts');
title(`Top-1 on ${images} test images of CIFAR-10, model cifar10-fast`);
for (const peer of Object.keys(top1) as (keyof typeof top1)[]) {
  console.log(`${peers[peer].padEnd(30)}${(top1[peer] * 100).toFixed(1).padStart(6)} %`);
}
title('By layer: count, ms in total, GFLOP/s; in int8; stock tfjs-wasm');
for (const [i, layer] of node.layers.ours.entries()) {
  showLayer(layer, node.layers.int8[i] as LayerTime, node.layers.stock[i] as LayerTime);
}
title('By size of the input, and by batch size: ms per image');
console.log(list(node.msBySize, ' px'));
console.log(list(node.msByBatch, ' per batch'));

const requests = await measureRequests();
title(
  `CPU milliseconds of workerd per request, JPEG 500 pixels wide (${requests.photoBytes} bytes), without the cache`,
);
showRequest(await named('imagenet'), requests.imagenet);
showRequest('imagenet in float32', requests.imagenetInFloat32);
showRequest('imagenet in float32, on stock kernels', requests.imagenetOnStockKernels);
showRequest(await named('cifar10'), requests.cifar10);
showRequest(await named('cifar10-fast'), requests.cifar10Fast);
console.log(`requests a second, cifar10: ${list(requests.perSecond, ' clients')}`);

const cold = await measureColdStarts();
title(
  "Cold: from the isolate's start to the first response, imagenet, without workerd's own start",
);
for (const [name, { wallMs, cpuMs }] of Object.entries({
  ours: cold.ours,
  'stock tfjs': cold.skeleton,
  'an empty Worker (subtracted)': cold.empty,
})) {
  console.log(
    `${name.padEnd(30)}${wallMs.toFixed(0).padStart(6)} ms${cpuMs.toFixed(0).padStart(6)} ms of CPU time`,
  );
}

const { gzipKib } = await measureBundle();
title(`Worker: ${gzipKib.toFixed(0)} KiB gzipped, without models`);

/** Ratios of the time of each peer to ours. */
const ratiosOf = (ms: number): Record<string, number> =>
  Object.fromEntries(
    (Object.keys(peers) as Peer[])
      .filter((peer) => !peer.startsWith('ours'))
      .map((peer) => [`ratio_${peer}`, node.ms[peer] / ms]),
  );
/** Ratios of the time of a request's peers to that of its own. */
const requestRatios = (times: CpuTimes): Record<string, number> => ({
  ratio_tfjs_wasm_in_workerd: requests.imagenetOnStockKernels.inference / times.inference,
  ratio_bare_inference: times.ratioInference,
  ratio_bare_inference_and_decode: times.ratioInferenceAndDecode,
  ratio_bare_inference_and_decode_under_load: times.ratioUnderLoad,
  ratio_minimal_worker: times.ratioMinimal,
});
await reportFigures('edge bench', {
  // Ours in float32, against peers in float32 unless their names say int8; LiteRT.js' int8 against our int8.
  ...ratiosOf(node.ms.ours),
  ratio_litert_int8: node.ms.litert_int8 / node.ms.ours_int8,
  ...requestRatios(requests.imagenetInFloat32),
  ratio_bare_inference_on_stock_kernels: requests.imagenetOnStockKernels.ratioInference,
  int8: {
    ...ratiosOf(node.ms.ours_int8),
    ratio_ours_float32: node.ms.ours / node.ms.ours_int8,
    ...requestRatios(requests.imagenet),
  },
  ratio_cold_start: cold.ratioWall,
  ratio_cold_start_cpu: cold.ratioCpu,
  ms: node.ms,
  top1: { images, ...top1 },
  gflops: gflops(node.ms.ours),
  peak_gflops: node.peaks.fma,
  peak_gops_int8: node.peaks.dot,
  ms_by_size: node.msBySize,
  ms_by_batch: node.msByBatch,
  cpu_ms: {
    imagenet: requests.imagenet,
    imagenet_in_float32: requests.imagenetInFloat32,
    cifar10: requests.cifar10,
    cifar10_fast: requests.cifar10Fast,
  },
  requests_per_second: requests.perSecond,
  cold_start_ms: cold,
  worker_gzip_kib: gzipKib,
});

/** Runs a script in a process of its own. */
async function runInNode<T>(file: string): Promise<T> {
  const script = fileURLToPath(new URL(file, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as T;
}

/** With the size of its input, and how many test images it gets right. */
async function named(model: string): Promise<string> {
  const directory = new URL(`../public/models/${model}/`, import.meta.url);
  const { card } = await readModelCard(modelFiles(directory));
  const measured = card.accuracy.find(({ source }) => source === 'measured');
  const right = measured ? `, ${((measured.quantized ?? 0) * 100).toFixed(2)} % right` : '';
  return `${model}, ${card.preprocess.size} px${right}`;
}

function showLayer({ name, count, gigaflop, ms }: LayerTime, ...others: LayerTime[]): void {
  const times = [ms, ...others.map((other) => other.ms)].map(
    (layerMs) =>
      `${layerMs.toFixed(2).padStart(7)} ms${((gigaflop / layerMs) * 1000).toFixed(1).padStart(6)}`,
  );
  console.log(`${name.padEnd(48)}${count} ×${times.join('  ')}`);
}

function showRequest(name: string, times: CpuTimes): void {
  const { classify, minimal, nothing, fetch, decode, preprocess, inference, decodeToInference } =
    times;
  const figures = { classify, minimal, inference, decode, preprocess, fetch, nothing };
  console.log(name);
  console.log(`  ${list(figures, '')}; ${times.wallMs.toFixed(1)} ms for the client`);
  console.log(
    `  besides decode and inference ${(classify - decodeToInference).toFixed(2)} ms: ` +
      `${(1 / times.ratioInference).toFixed(2)} × the bare inference, ` +
      `${(1 / times.ratioInferenceAndDecode).toFixed(2)} × decode and inference, ` +
      `${(1 / times.ratioMinimal).toFixed(2)} × a Worker that does nothing else`,
  );
  console.log(
    `  ${CLIENTS} clients at once ${times.underLoad.toFixed(2)} ms per request: ${(1 / times.ratioUnderLoad).toFixed(2)} × decode and inference`,
  );
}

function list(figures: Record<string, number>, unit: string): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name}${unit} ${value.toFixed(value < 100 ? 2 : 0)}`)
    .join(', ');
}

function title(text: string): void {
  console.log(`\n${text}`);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(0)} %`;
}
