import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { preparePython } from '../../../trainer/bench/python-env.ts';

/** TensorFlow Lite files. */
export interface LiteRtModels {
  readonly float32: Uint8Array;
  readonly int8: Uint8Array;
}

/**
 * Converts a model directory for LiteRT with TensorFlow, with the same weights. The first run installs
 * TensorFlow for Python into the cache folder.
 *
 * @param images for the calibration of int8's activations, each `[size, size, 3]` preprocessed
 */
export async function makeLiteRtModels(
  directory: URL,
  images: readonly Float32Array[],
): Promise<LiteRtModels> {
  const python = await preparePython(console.error);
  const folder = await mkdtemp(join(tmpdir(), 'graft-litert-'));
  const [float32, int8, calibration] = ['float32.tflite', 'int8.tflite', 'images'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  try {
    await writeFile(calibration, Buffer.concat(images.map(({ buffer }) => Buffer.from(buffer))));
    const script = fileURLToPath(new URL('litert_models.py', import.meta.url));
    const model = fileURLToPath(directory);
    await promisify(execFile)(python, [script, model, float32, int8, calibration]);
    return { float32: await readFile(float32), int8: await readFile(int8) };
  } finally {
    await rm(folder, { recursive: true });
  }
}
