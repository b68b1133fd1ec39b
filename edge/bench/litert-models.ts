import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { preparePython } from '../../trainer/bench/python-env.ts';

/** Files of TensorFlow Lite. */
export interface LiteRtModels {
  readonly float32: Uint8Array;
  readonly int8: Uint8Array;
}

/**
 * A model directory as LiteRT takes it, of the same weights, converted by TensorFlow. The first time,
 * TensorFlow for Python is installed into the cache folder.
 *
 * @param images to calibrate int8's activations with, each `[size, size, 3]` preprocessed
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
