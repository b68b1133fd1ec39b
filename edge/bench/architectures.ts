/**
 * Measures the cost of each architecture in the Worker: `pnpm --filter edge bench:architectures [name ...]`.
 * The last line is JSON.
 *
 * Each is exported in 8 bits with random weights, since time and memory depend only on shapes, and is
 * served by a workerd of its own. An architecture that cannot fit an isolate is not run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportFigures } from 'shared/bench/report-figures';
import sharp from 'sharp';
import { backbones, buildBackbone } from 'trainer/backbones/registry';
import { startBackend } from 'trainer/backends/start-backend';
import type { BackboneName } from 'trainer/config/backbone-names';
import { exportPretrained } from 'trainer/export/export-pretrained';
import { gigaflops } from 'trainer/plan/cost';
import { fusePlan } from 'trainer/plan/fuse';
import { disposePlan, parametersOf } from 'trainer/plan/plan';
import { startBareWorkerd } from './bare-workerd.ts';
import type { InferenceCost } from './measuring/inference-cost.ts';
import { median } from './measuring/median.ts';

/** The memory of an isolate, in 10^6 bytes, and the part that a model must leave free. */
const ISOLATE_MB = 128;
const REST_MB = 28;
/** The limit of CPU time per request on the free plan. */
const FREE_MS = 10;

interface Cost {
  readonly name: BackboneName;
  readonly parameters: number;
  readonly gflop: number;
  /** Size of the shards in 8 bits. */
  readonly quantizedMb: number;
  /** null where the weights alone exceed the memory of an isolate. */
  readonly served: {
    /** Time of the bare inference, and of a whole request with a 500-pixel JPEG. */
    readonly inferenceMs: number;
    readonly requestMs: number;
    /** WebAssembly memory of weights and activations. */
    readonly memoryMb: number;
  } | null;
}

const names = process.argv.slice(2).filter((word) => word !== '--record') as BackboneName[];
const chelsea = fileURLToPath(new URL('../../shared/fixtures/chelsea.png', import.meta.url));
const photo = await sharp(chelsea).resize(500).jpeg({ quality: 85 }).toBuffer();
await startBackend('auto', () => {});
const costs: Cost[] = [];
console.log(
  '| network | pixels | parameters | top-1 published | GFLOP | in 8 bits | inference | request | memory | plan |',
);
console.log('|---|---|---|---|---|---|---|---|---|---|');
for (const name of names.length > 0 ? names : (Object.keys(backbones) as BackboneName[])) {
  const cost = await measure(name);
  costs.push(cost);
  console.log(row(cost));
}
await reportFigures('edge bench:architectures', { architectures: costs });

async function measure(name: BackboneName): Promise<Cost> {
  const { size } = backbones[name];
  const model = buildBackbone(name, { initialize: false });
  const plan = fusePlan(model);
  const weights = parametersOf(plan).reduce((sum, { value }) => sum + value.size, 0);
  const cost = { name, parameters: model.countParams(), gflop: gigaflops(plan, size) };
  disposePlan(plan);
  model.dispose();
  // One byte per weight; scales and biases are less than a hundredth of that.
  if (weights / 1e6 > ISOLATE_MB - REST_MB)
    return { ...cost, quantizedMb: weights / 1e6, served: null };
  const assets = await mkdtemp(join(tmpdir(), 'graft-architecture-'));
  try {
    const { quantization } = await exportPretrained(name, 'none', join(assets, 'models', name));
    return { ...cost, quantizedMb: quantization.bytes / 1e6, served: await serve(name, assets) };
  } finally {
    await rm(assets, { recursive: true });
  }
}

async function serve(name: BackboneName, assets: string): Promise<NonNullable<Cost['served']>> {
  const worker = await startBareWorkerd(assets);
  try {
    const inference = await fetch(new URL(`/inference?model=${name}`, worker.origin));
    if (!inference.ok) throw new Error(`${name} responded with ${await inference.text()}.`);
    const { ms, wasmBytes } = (await inference.json()) as InferenceCost;
    const inferenceMs = median(ms);
    const requestsMs: number[] = [];
    for (let i = 0; i < Math.max(5, Math.min(30, 1000 / inferenceMs)); i++) {
      const start = performance.now();
      const response = await fetch(new URL(`/classify?model=${name}`, worker.origin), {
        method: 'POST',
        body: photo,
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${name} responded with ${response.status}.`);
      requestsMs.push(performance.now() - start);
    }
    return { inferenceMs, requestMs: median(requestsMs), memoryMb: wasmBytes / 1e6 };
  } finally {
    await worker.close();
  }
}

function row({ name, parameters, gflop, quantizedMb, served }: Cost): string {
  const { title, size, publishedTop1 } = backbones[name];
  const cells = [
    `${title} \`${name}\``,
    `${size}`,
    parameters.toLocaleString('en'),
    publishedTop1 === null ? '' : `${(publishedTop1 * 100).toFixed(1)} %`,
    gflop.toFixed(gflop < 10 ? 2 : 0),
    `${quantizedMb.toFixed(1)} MB`,
    served ? `${served.inferenceMs.toFixed(1)} ms` : '',
    served ? `${served.requestMs.toFixed(1)} ms` : '',
    served ? `${served.memoryMb.toFixed(0)} MB` : `> ${quantizedMb.toFixed(0)} MB`,
    planOf(served, quantizedMb),
  ];
  return `| ${cells.join(' | ')} |`;
}

/**
 * The Cloudflare plan that a network fits. Assets are no limit, since shards have 4 MiB. While a model
 * loads, the isolate also holds its shards.
 */
function planOf(served: Cost['served'], quantizedMb: number): string {
  if (!served || served.memoryMb + quantizedMb > ISOLATE_MB - REST_MB) return 'none';
  return served.requestMs <= FREE_MS ? 'free' : 'paid';
}
