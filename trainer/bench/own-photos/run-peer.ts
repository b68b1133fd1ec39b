import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { photos } from '../../src/config/photos.ts';
import { preparePython } from '../../src/programs/python-environment.ts';
import { torch } from '../torch.ts';

const WEIGHTS = fileURLToPath(
  new URL('../../weights/efficientnet-lite0-imagenet.safetensors', import.meta.url),
);

/**
 * Runs a PyTorch peer with our weights and as many epochs as the recipe `photos` has.
 *
 * @param program path of the Python program, which reads the task from standard input and prints a line of JSON for
 *   reading the images, and then one a method
 * @returns the methods' lines, with the CPU seconds of reading added
 */
export async function runPeer<Row extends { readonly cpuSeconds: number }>(
  program: string,
  task: object,
): Promise<Row[]> {
  const python = await preparePython(console.log, torch);
  const { epochs, minSteps } = photos.stage2;
  // Threads that wait for others would else spin, and their CPU seconds would say little on a busy machine.
  const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' };
  const child = spawn(python, [program], { stdio: ['pipe', 'pipe', 'inherit'], env });
  child.stdin.end(JSON.stringify({ ...task, epochs, minSteps, weights: WEIGHTS }));
  const lines = (await child.stdout.toArray()).join('').trim().split('\n');
  const [reading, ...rows] = lines.map((line) => JSON.parse(line)) as [Row, ...Row[]];
  return rows.map((row) => ({ ...row, cpuSeconds: row.cpuSeconds + reading.cpuSeconds }));
}
