import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type * as tf from '@tensorflow/tfjs-core';
import { toOnnxModel } from 'trainer/export/onnx/to-onnx-model';
import { preparePython } from 'trainer/programs/python-environment';

export interface OnnxModels {
  readonly float32: Uint8Array;
  readonly int8: Uint8Array;
}

/**
 * Writes a graph for onnxruntime, and quantizes it with onnxruntime's own tools.
 *
 * @param graph as the trainer wrote it
 * @param images for the calibration, each `[3, size, size]`
 */
export async function makeOnnxModels(
  graph: tf.io.ModelArtifacts,
  images: readonly Float32Array[],
  size: number,
): Promise<OnnxModels> {
  const float32 = toOnnxModel(graph);
  return { float32, int8: await quantize(float32, images, size) };
}

async function quantize(
  model: Uint8Array,
  images: readonly Float32Array[],
  size: number,
): Promise<Uint8Array> {
  const python = await preparePython(console.error, ['onnx==1.23.2', 'onnxruntime==1.32.0']);
  const folder = await mkdtemp(join(tmpdir(), 'graft-onnx-'));
  const [from, to, calibration] = ['float32.onnx', 'int8.onnx', 'images'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  try {
    await writeFile(from, model);
    await writeFile(calibration, Buffer.concat(images.map(({ buffer }) => Buffer.from(buffer))));
    const script = fileURLToPath(new URL('quantize_onnx.py', import.meta.url));
    await promisify(execFile)(python, [script, from, to, calibration, `${size}`]);
    return await readFile(to);
  } finally {
    await rm(folder, { recursive: true });
  }
}
