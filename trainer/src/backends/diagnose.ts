import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../errors.ts';
import { moduleUrl } from '../files/module-url.ts';
import { graft, project } from '../files/project.ts';
import { findPython } from '../programs/pip.ts';
import { runProgram } from '../programs/run-program.ts';
import type { Speed } from './measure-speed.ts';
import { findCompiler } from './native/install-native.ts';
import { findNvidiaGpu } from './native/nvidia-gpu.ts';
import { type BackendName, backendNames } from './start-backend.ts';
import { mayHaveGpu } from './webgpu/webgpu-backend.ts';

/** What trying a backend has shown. */
export type Diagnosis =
  | { readonly kind: 'works'; readonly description: string; readonly speed: Speed }
  | { readonly kind: 'missing'; readonly problem: string };

/** What a machine can train on. */
export interface MachineReport {
  readonly node: string;
  readonly tfjs: string;
  /** Such as `linux x64`. */
  readonly platform: string;
  readonly cores: number;
  /** Of NVIDIA. */
  readonly gpu: { readonly name: string; readonly driver: string } | null;
  /** Each with the command that adds it to this machine, where one does. */
  readonly backends: readonly (Diagnosis & { readonly name: BackendName; command?: string })[];
}

/**
 * Tries every backend in a process of its own, measures it, and says how to add what is missing.
 * Downloads nothing.
 *
 * @param say gets a line as soon as something is known
 */
export async function diagnose(say: (line: string) => void): Promise<MachineReport> {
  const gpu = (await findNvidiaGpu()) ?? null;
  const platform = `${process.platform} ${process.arch}`;
  const cores = availableParallelism();
  const { node } = process.versions;
  const tfjs = tf.version['tfjs-core'];
  say(`Node ${node}, tfjs ${tfjs}, ${platform}, ${cores} cores.`);
  say(`GPU: ${gpu ? `${gpu.name}, driver ${gpu.driver}` : withoutNvidia()}.`);
  const backends: MachineReport['backends'][number][] = [];
  for (const name of backendNames) {
    const diagnosis = await probe(name);
    const command = diagnosis.kind === 'missing' ? await commandFor(name) : undefined;
    for (const line of linesOf(name, diagnosis, command)) say(line);
    backends.push({ name, ...diagnosis, ...(command === undefined ? {} : { command }) });
  }
  return { node, tfjs, platform, cores, gpu, backends };
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
  const program = fileURLToPath(moduleUrl('probe-backend', import.meta));
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
      return onLinux && process.arch === 'x64' ? graft('setup --cuda') : undefined;
    case 'native': {
      const lacks = [
        ...((await isFound(findPython)) ? [] : ['python3-pip']),
        ...((await isFound(findCompiler)) ? [] : ['g++']),
      ];
      const setUp = graft('setup');
      if (lacks.length === 0) return setUp;
      return onLinux
        ? `sudo apt-get install ${lacks.join(' ')} && ${setUp}`
        : `xcode-select --install && ${setUp}`;
    }
    case 'webgpu':
      return onLinux ? 'sudo apt-get install libvulkan1 mesa-vulkan-drivers' : project.install;
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
