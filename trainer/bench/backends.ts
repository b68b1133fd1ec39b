/**
 * Images per second of EfficientNet-Lite0 at 128 px on every backend, next to Keras and onnxruntime
 * in the same run.
 *
 *     pnpm --filter trainer run bench:backends
 *
 * Training is stage 2: everything but BatchNorm, with Adam. A backend that cannot be started here
 * is left out with the reason. Where there is no GPU, WebGPU runs on SwiftShader, which shows that
 * it works and nothing about the speed of a GPU.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import { swiftshaderEnvironment } from '../fixtures/swiftshader.ts';
import { type BackendName, backendNames } from '../src/backends/start-backend.ts';
import { mayHaveGpu } from '../src/backends/webgpu/webgpu-backend.ts';
import { preparePython } from '../src/programs/python-environment.ts';

interface Figures {
  readonly train_images_per_second?: number;
  readonly forward_images_per_second: number;
  readonly description?: string;
}

const run = promisify(execFile);
const ROUNDS = 3;
const usual = ['--size', '128', '--batch', '32', '--steps', '10', '--warmup', '3'];
// A step of batch 32 would take a minute on either.
const slow = ['--size', '128', '--batch', '4', '--steps', '1', '--warmup', '1'];
const slowBackends: readonly BackendName[] = mayHaveGpu() ? ['cpu'] : ['cpu', 'webgpu'];

const python = await preparePython(console.log);
const peers: Record<string, () => Promise<{ stdout: string }>> = {
  Keras: () => run(python, [pathOf('keras_peer.py'), ...usual]),
  onnxruntime: () => run(process.execPath, [pathOf('onnx-peer.ts'), ...usual]),
};
for (const name of backendNames) {
  const options = slowBackends.includes(name) ? slow : usual;
  peers[name] = async () =>
    run(process.execPath, [pathOf('throughput-graft.ts'), '--backend', name, ...options], {
      env: { ...process.env, ...(name === 'webgpu' ? await webgpuEnvironment() : {}) },
    });
}

// The peers take turns, since other work on the machine slows whoever runs at the time.
const figures = new Map<string, Figures[]>();
for (let round = 1; round <= ROUNDS; round++) {
  for (const [name, measure] of Object.entries(peers)) {
    const isSlow = slowBackends.some((backend) => backend === name);
    if ((round > 1 && isSlow) || (round > 1 && !figures.has(name))) continue;
    try {
      const { stdout } = await measure();
      const found = JSON.parse(stdout.trim().split('\n').at(-1) as string) as Figures;
      figures.set(name, [...(figures.get(name) ?? []), found]);
    } catch (error) {
      console.log(`${name} is left out: ${lastLine((error as { stderr?: string }).stderr ?? '')}`);
    }
  }
}

const medians = Object.fromEntries(
  [...figures].map(([name, found]) => [
    name,
    {
      train: median(found.map((one) => one.train_images_per_second)),
      forward: median(found.map((one) => one.forward_images_per_second)),
    },
  ]),
);
console.log('\nImages per second    training   forward');
for (const [name, { train, forward }] of Object.entries(medians)) {
  const description = figures.get(name)?.[0]?.description;
  console.log(
    `${name.padEnd(22)} ${cell(train)} ${cell(forward)}  ${description === undefined ? '' : description}`,
  );
}
await reportFigures('trainer bench:backends', {
  ratio_native_keras: ratio(medians['native']?.train, medians['Keras']?.train),
  ratio_native_keras_forward: ratio(medians['native']?.forward, medians['Keras']?.forward),
  ratio_native_onnxruntime_forward: ratio(
    medians['native']?.forward,
    medians['onnxruntime']?.forward,
  ),
  ratio_wasm_cpu: ratio(medians['wasm']?.train, medians['cpu']?.train),
  ratio_wasm_cpu_forward: ratio(medians['wasm']?.forward, medians['cpu']?.forward),
  images_per_second: medians,
});

async function webgpuEnvironment(): Promise<Record<string, string>> {
  return mayHaveGpu() ? {} : ((await swiftshaderEnvironment()) ?? {});
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return middle === undefined ? undefined : Number(middle.toPrecision(3));
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Number((a / b).toFixed(2));
}

function cell(value: number | undefined): string {
  return (value === undefined ? '–' : `${value}`).padStart(9);
}

function lastLine(text: string): string {
  return (
    text
      .trim()
      .split('\n')
      .findLast((line) => /error/i.test(line)) ?? text.trim()
  );
}
