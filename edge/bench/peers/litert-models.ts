import { fileURLToPath } from 'node:url';
import { convertToTflite } from 'trainer/export/tflite/convert-to-tflite';

/** TensorFlow Lite files. */
export interface LiteRtModels {
  readonly float32: Uint8Array;
  readonly int8: Uint8Array;
}

/**
 * Converts a model directory for LiteRT with TensorFlow, with the same weights, as `graft export` does.
 *
 * @param images for the calibration of int8's activations, each `[size, size, 3]` preprocessed
 */
export async function makeLiteRtModels(
  directory: URL,
  images: readonly Float32Array[],
): Promise<LiteRtModels> {
  const folder = fileURLToPath(directory);
  const log = console.error;
  return {
    float32: await convertToTflite(folder, { kernels: 'float32', log }),
    int8: await convertToTflite(folder, { kernels: 'int8', images, log }),
  };
}
