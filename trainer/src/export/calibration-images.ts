import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import { type BatchSource, imageBatches } from '../data/batches.ts';
import type { Part } from '../datasets/split.ts';
import { drawFrom } from './feature-rows.ts';

/** Of CIFAR-10, with which ONNX gave 996 of 1,000 answers as the Worker does; with 64, 299 of 300. */
const CALIBRATION_IMAGES = 256;

/** Opens images of a model's kind, for a size of network inputs. */
export type OpenImages = (size: number) => Promise<Part>;

/** The images that say between which values activations lie. */
export async function calibrationImages(
  open: OpenImages,
  preprocess: PreprocessSpec,
): Promise<BatchSource> {
  return imageBatches(drawFrom(await open(preprocess.size), CALIBRATION_IMAGES, 1), preprocess);
}
