import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../errors.ts';
import { findPython } from '../programs/pip.ts';
import { runProgram } from '../programs/run-program.ts';
import type { Speed } from './measure-speed.ts';
import { findCompiler } from './native/install-native.ts';
import { findNvidiaCard } from './native/nvidia-card.ts';
import { type BackendName, backendNames } from './start-backend.ts';
import { mayHaveGpu } from './webgpu/webgpu-backend.ts';

/** What trying a backend has shown. */
export type Diagnosis =
  | { readonly kind: 'works'; readonly description: string; readonly speed: Speed }
  | { readonly kind: 'missing'; readonly problem: string };

/**
 * Tries every backend in a process of its own, measures it, and says how to add what is missing.
 * Downloads nothing.
 */
export async function diagnose(say: (line: string) => void): Promise<void> {
  const card = await findNvidiaCard();
  say(
    `Node ${process.versions.node}, tfjs ${tf.version['tfjs-core']}, ${process.platform} ${process.arch}, ${availableParallelism()} cores.`,
  );
  say(`Graphics card: ${card ? `${card.name}, driver ${card.driver}` : withoutNvidia()}.`);
  for (const name of backendNames) {
    const diagnosis = await probe(name);
    for (const line of linesOf(name, diagnosis, await commandFor(name))) say(line);
  }
}

/** @param command adds the backend, where something can */
export function linesOf(
  name: BackendName,
  diagnosis: Diagnosis,
  command: string | undefined,
): string[] {
  const title = name.padEnd(8);
  if (diagnosis.kind === 'works') {
    const { matMul, convolution } = diagnosis.speed;
    return [
      `${title}works: ${diagnosis.description}; matMul ${format(matMul)}, convolution with gradients ${format(convolution)} GFLOP/s`,
    ];
  }
  const lines = [`${title}missing: ${diagnosis.problem}`];
  return command === undefined ? lines : [...lines, `${' '.repeat(8)}add it with: ${command}`];
}

async function probe(name: BackendName): Promise<Diagnosis> {
  const program = join(import.meta.dirname, 'probe-backend.ts');
  const { kind, output } = await runProgram(process.execPath, [program, name]);
  const last = output.trim().split('\n').at(-1) ?? '';
  // Whatever else a driver prints, ours is the last line.
  if (kind === 'done' && last.startsWith('{')) return JSON.parse(last) as Diagnosis;
  return { kind: 'missing', problem: `It ended its process: ${last}` };
}

/** The command that adds a backend to this machine. */
async function commandFor(name: BackendName): Promise<string | undefined> {
  const onLinux = process.platform === 'linux';
  switch (name) {
    case 'cuda':
      return onLinux && process.arch === 'x64'
        ? 'pnpm --filter trainer run setup --cuda'
        : undefined;
    case 'native': {
      const lacks = [
        ...((await isFound(findPython)) ? [] : ['python3-pip']),
        ...((await isFound(findCompiler)) ? [] : ['g++']),
      ];
      const setUp = 'pnpm --filter trainer run setup';
      if (lacks.length === 0) return setUp;
      return onLinux
        ? `sudo apt-get install ${lacks.join(' ')} && ${setUp}`
        : `xcode-select --install && ${setUp}`;
    }
    case 'webgpu':
      return onLinux ? 'sudo apt-get install libvulkan1 mesa-vulkan-drivers' : 'pnpm install';
    default:
      return undefined;
  }
}

async function isFound(find: () => Promise<string>): Promise<boolean> {
  try {
    await find();
    return true;
  } catch (error) {
    if (error instanceof TrainerError) return false;
    throw error;
  }
}

function withoutNvidia(): string {
  return mayHaveGpu()
    ? 'none of NVIDIA; WebGPU may find another'
    : 'none (nvidia-smi does not answer, and /dev/dri has no renderer)';
}

function format(gigaflops: number): string {
  return gigaflops < 10 ? gigaflops.toPrecision(2) : `${Math.round(gigaflops)}`;
}
