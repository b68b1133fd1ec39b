import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildBackbone } from 'trainer/backbones/registry';
import { toArtifacts } from 'trainer/export/graph-builder';
import { toGraphModel } from 'trainer/export/graph-model';
import { toOnnxModel } from 'trainer/export/onnx/to-onnx-model';
import { fusePlan } from 'trainer/plan/fuse';
import { disposePlan } from 'trainer/plan/plan';
import { loadBackboneWeights } from 'trainer/weights/load-backbone-weights';
import { preparePython } from '../../../trainer/bench/python-env.ts';

export interface OnnxModels {
  readonly float32: Uint8Array;
  readonly int8: Uint8Array;
}

/**
 * Converts the network of `public/models/imagenet`, with the weights from which it was exported, for
 * onnxruntime, and quantizes it with onnxruntime's own tools.
 *
 * @param images for the calibration, each `[3, size, size]`
 */
export async function makeOnnxModels(
  images: readonly Float32Array[],
  size: number,
): Promise<OnnxModels> {
  const network = buildBackbone('efficientnet-lite0', { initialize: false });
  await loadBackboneWeights(network, 'efficientnet-lite0', 'imagenet', true);
  const plan = fusePlan(network);
  network.dispose();
  const float32 = toOnnxModel(toArtifacts(await toGraphModel(plan, size, 'float32')));
  disposePlan(plan);
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
