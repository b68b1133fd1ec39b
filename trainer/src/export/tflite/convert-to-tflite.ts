import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TfliteKernelFormat } from '../../config/quantizations.ts';
import { TrainerError } from '../../errors.ts';
import { preparePython } from '../../programs/python-environment.ts';
import { runProgram } from '../../programs/run-program.ts';

interface Conversion {
  readonly kernels: TfliteKernelFormat;
  /** For the ranges of int8's activations, each `[size, size, 3]`, preprocessed. */
  readonly images?: Iterable<Float32Array> | AsyncIterable<Float32Array>;
  readonly signal?: AbortSignal;
  log(line: string): void;
}

const script = fileURLToPath(new URL('to_tflite.py', import.meta.url));

/**
 * Converts a model directory with TensorFlow's own converter, which the first call installs into the cache folder.
 *
 * @returns a TensorFlow Lite file: `[1, size, size, 3]` float32, preprocessed, to probabilities `[1, classes]` float32
 * @throws TrainerError `backend_unavailable` without Python, `download_failed` without the network, `model_invalid` for what
 *   the converter does not take
 */
export async function convertToTflite(
  directory: string,
  { kernels, images, signal, log }: Conversion,
): Promise<Buffer> {
  const python = await preparePython(log);
  const folder = await mkdtemp(join(tmpdir(), 'graft-tflite-'));
  try {
    const [file, calibration] = [join(folder, 'model.tflite'), join(folder, 'images')];
    for await (const { buffer, byteOffset, byteLength } of images ?? []) {
      await appendFile(calibration, Buffer.from(buffer, byteOffset, byteLength));
    }
    const args = [script, directory, file, kernels, ...(images ? [calibration] : [])];
    const { kind, output } = await runProgram(python, args, { signal });
    if (kind === 'done') return await readFile(file);
    throw new TrainerError(
      'model_invalid',
      `TensorFlow's converter could not convert the model at ${directory}: ${output.trim().split('\n').at(-1)}`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
