import * as z from './schema.ts';

/**
 * How a large image is reduced before it is resized, as model cards name it. `division`: to the means of
 * squares, whose side `reductionFor` in images/reduce.ts computes; in a JPEG by the next lower power of
 * two, inside the DCT; in a lossy WebP without transparency in luma and chroma.
 */
const reductionRules = ['division'] as const;

const perChannel = z.readonly(z.tuple([z.number(), z.number(), z.number()]));

const resizing = {
  /** `cover`: the largest centred square of the image, resized. */
  fit: z.literal('cover'),
  /** Side of the square input, in pixels. */
  size: z.int().check(z.minimum(1), z.maximum(4096)),
  /**
   * How a large image is reduced before it is resized. The first cards do not name a rule, and their
   * images are reduced by the same one.
   */
  reduce: z.optional(z.enum(reductionRules)),
  /** Antialiased when the image gets smaller, as in Pillow's `Image.resize`. */
  filter: z.literal('bicubic'),
  channelOrder: z.enum(['rgb', 'bgr']),
};

const arithmeticStep = z.readonly(
  z.strictObject({
    operation: z.enum(['multiply', 'divide', 'subtract']),
    /** The second operand, rounded to float32; one number a channel, in channel order. */
    by: perChannel,
  }),
);

export type ArithmeticStep = z.infer<typeof arithmeticStep>;

/**
 * How an image becomes a network's input. It is recorded in the model card, so that serving
 * does exactly what training did.
 */
export const preprocessSpec = z.union([
  z.readonly(
    z.strictObject({
      ...resizing,
      /** The steps applied to each sample, 0–255, in order; every result is rounded to float32. */
      arithmetic: z.readonly(z.array(arithmeticStep)),
    }),
  ),
  // The form of the first cards: still read, no longer written.
  z.readonly(
    z.strictObject({
      ...resizing,
      /** `input = sample * scale + offset` in float64, rounded to float32 once. */
      scale: perChannel,
      offset: perChannel,
    }),
  ),
]);

export type PreprocessSpec = z.infer<typeof preprocessSpec>;
