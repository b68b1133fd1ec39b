import { findProgram, type ProgramOptions, runProgram } from '../../programs/run-program.ts';

export interface NvidiaGpu {
  readonly name: string;
  readonly driver: string;
}

// The second is its place in Windows' Linux subsystem, which is not on the PATH.
const programs = ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'];
const query = ['--query-gpu=name,driver_version', '--format=csv,noheader'];

/** The first NVIDIA GPU that the driver reports, or undefined; needs no CUDA. */
export async function findNvidiaGpu(options: ProgramOptions = {}): Promise<NvidiaGpu | undefined> {
  const program = await findProgram(programs, query, options);
  if (program === undefined) return undefined;
  const { output } = await runProgram(program, query, options);
  const [name, driver] = output.trim().split('\n')[0]?.split(', ') ?? [];
  return name && driver ? { name, driver } : undefined;
}
