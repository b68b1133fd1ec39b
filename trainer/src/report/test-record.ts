import type { ActivationMap } from 'shared/inference/graph/class-activation';
import * as z from 'zod';
import type { Part } from '../datasets/split.ts';
import type { Predictions } from '../evaluation/evaluate.ts';

/** The predictions for the test images. */
export interface TestRecord<P extends Predictions = Predictions> {
  /** Of the quantized, calibrated model, as the Worker computes them. */
  readonly served: P;
  /** Of the network before quantization, uncalibrated. */
  readonly float32: P;
  readonly temperature: number;
  /** The test images, in the order of the predictions. */
  readonly images: Part;
  /** Seed of the random sample. */
  readonly seed: number;
  /**
   * What speaks for a label in a test image, as the Worker computes it; absent where the head has no such maps.
   *
   * @param index of the test image
   * @param label its index
   */
  readonly explain?: ((index: number, label: number) => Promise<ActivationMap>) | undefined;
}

/** Images that are shown. Fills rows of two, three, four, six and eight. */
export const MISTAKES = 24;
/** The article's grid of 5×5. */
export const SAMPLE = 25;

export const fraction = z.number().min(0).max(1);

export const reliability = z.object({
  logLoss: z.number(),
  ece: fraction,
  bins: z.array(z.object({ count: z.int(), confidence: fraction, accuracy: fraction })).readonly(),
});
