import { preprocessSpec } from './preprocess-spec.ts';
import * as z from './schema.ts';

/** A class: its name, and its WordNet synset id where the data set has one. */
export interface Label {
  readonly name: string;
  readonly synset?: string | undefined;
}

/** Checked by plain code, since a thousand zod objects would take longer than the rest of the card. */
const labels = z
  .custom<readonly Label[]>(
    (value) => Array.isArray(value) && value.length >= 2 && value.every(isLabel),
    'Invalid input: expected two labels or more, each with a name, and perhaps a synset',
  )
  .check(
    z.meta({
      type: 'array',
      minItems: 2,
      items: {
        type: 'object',
        properties: { name: { type: 'string', minLength: 1 }, synset: { type: 'string' } },
        required: ['name'],
        additionalProperties: false,
      },
    }),
  );

function isLabel(value: unknown): boolean {
  if (!(value instanceof Object)) return false;
  const { name, synset, ...others } = value as Record<string, unknown>;
  for (const _ in others) return false;
  const isNamed = typeof name === 'string' && name !== '';
  return isNamed && (synset === undefined || typeof synset === 'string');
}

const fraction = z.number().check(z.minimum(0), z.maximum(1));
const count = z.int().check(z.positive());

/** The arithmetic in which kernels of 8 bits are computed. */
export const arithmetics = ['int8', 'float32'] as const;
export type Arithmetic = (typeof arithmetics)[number];

const accuracy = z.readonly(
  z.strictObject({
    /** `measured` by the trainer on this artifact, or `published` by the network's authors. */
    source: z.enum(['measured', 'published']),
    dataset: z.string(),
    /** `test`: the data set's own test images; `held out`: images drawn from its others. */
    split: z.string(),
    images: count,
    /** What the numbers are, where not top-1: mean average precision, of a model of several labels an image. */
    measure: z.optional(z.literal('mAP')),
    /** Top-1 of the network before quantization. */
    float32: fraction,
    /** The same of the weights in this directory, computed in their `arithmetic`. */
    quantized: z.optional(fraction),
    /** The same computed in float32, as on machines without relaxed SIMD; absent where that is the arithmetic anyway. */
    quantizedInFloat32: z.optional(fraction),
    /** Top-5 of the weights in this directory, where there are more than five classes. */
    top5: z.optional(fraction),
  }),
);

// What few cards have is lazy: its schema is made with the first card that has it, not at each cold start.

const calibration = z.lazy(() =>
  z.readonly(
    z.strictObject({
      /**
       * The number by which the logits were divided, so that probabilities say how often the model is right
       * (Guo et al. 2017, §4.2). The weights already contain it: do not divide again.
       */
      temperature: z.number().check(z.positive()),
      /** Images of the validation set on which it was chosen. */
      images: count,
      /** Expected calibration error on the test set in 15 bins, without and with the temperature. */
      ece: z.readonly(z.strictObject({ before: fraction, after: fraction })),
    }),
  ),
);

const knownScore = z.lazy(() =>
  z.readonly(
    z.strictObject({
      /** `prototypes`: cosine to the nearest of the classes' prototypes; `maximum-logit`: the largest logit of features that are clipped. */
      method: z.enum(['prototypes', 'maximum-logit']),
      /** How many prototypes there are. */
      prototypes: z.optional(count),
      /** How many directions contrast the classes to ImageNet's others, where something does. */
      contrast: z.optional(count),
      /** The share of known images that the threshold is to keep, and the images that it was set on. */
      keep: fraction,
      images: count,
      /** What was measured, on images that fitted nothing. */
      measured: z.readonly(
        z.array(
          z.readonly(
            z.strictObject({
              /** `counter-examples` of the user, `generated`, or `classes left out`, whose prototypes are taken away in turn. */
              unknown: z.enum(['counter-examples', 'generated', 'classes left out']),
              images: count,
              /** The known images, and the share of them that is kept. */
              known: count,
              kept: fraction,
              /** Area under the ROC curve, known against unknown. */
              auroc: fraction,
              /** The share of the unknown images that is taken for known. */
              letThrough: fraction,
            }),
          ),
        ),
      ),
    }),
  ),
);

export type KnownScore = z.infer<typeof knownScore>;

const multiLabel = z.lazy(() =>
  z.readonly(
    z.strictObject({
      /** One per label: an image has the label where its probability is that or more. */
      thresholds: z.readonly(z.array(fraction)),
      /** Images of the validation set on which they were chosen; 0 where all are one half. */
      images: z.int().check(z.nonnegative()),
      /** What was measured at the thresholds, on the images of the first `accuracy`. */
      measured: z.readonly(
        z.strictObject({
          /** F1 of all labels of all images together, and the mean of the labels' F1. */
          f1Micro: fraction,
          f1Macro: fraction,
          /** The share of images of which every label is right. */
          exactMatch: fraction,
          /** The share of labels, of all images, that are wrong. */
          hamming: fraction,
          /** Average precision of each label; null where no image has it. */
          averagePrecision: z.readonly(z.array(z.nullable(fraction))),
        }),
      ),
    }),
  ),
);

export type MultiLabel = z.infer<typeof multiLabel>;

const addedClass = z.lazy(() =>
  z.readonly(
    z.strictObject({
      label: z.string(),
      photos: count,
      /** Images of the classes before it, and top-1 on them before and, by cross-validation, after. */
      old: z.readonly(z.strictObject({ images: count, before: fraction, after: fraction })),
    }),
  ),
);

export type AddedClass = z.infer<typeof addedClass>;

/** The name of a model in urls and folders. */
export const modelId = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'up to 64 lower-case letters, digits and hyphens'));

const trainingData = z.readonly(
  z.strictObject({
    /** Of the data set. */
    hash: z.string(),
    /** Number of training images. */
    images: count,
    /** The median of their shorter sides, in pixels; absent in older cards. */
    side: z.optional(count),
  }),
);

/** The description of a model, in `model.json` under `userDefinedMetadata.card`. */
export const modelCard = z.readonly(
  z.strictObject({
    id: modelId,
    title: z.string(),
    created: z.iso.datetime(),
    /** One per class, in the order of the network's output. */
    labels,
    architecture: z.readonly(z.strictObject({ name: z.string(), parameters: count })),
    pretraining: z.readonly(z.strictObject({ dataset: z.string(), source: z.string() })),
    preprocess: preprocessSpec,
    quantization: z.readonly(
      z.strictObject({
        /**
         * How kernels are stored. `uint8-per-channel`: in 8 bits with one scale per output channel;
         * `mixed`: the same, except for kernels in 16-bit floats that lose the most accuracy in 8 bits.
         */
        scheme: z.enum(['float32', 'float16', 'uint16-per-channel', 'uint8-per-channel', 'mixed']),
        /**
         * `int8`: convolutions and matrix products with 8-bit kernels, except depthwise and short ones,
         * are computed in 8 bits where relaxed SIMD is available; see docs/arithmetic.md. By default they
         * are computed in float32.
         */
        arithmetic: z.optional(z.enum(arithmetics)),
        /** Size of all weight shards. */
        bytes: count,
      }),
    ),
    accuracy: z.readonly(z.array(accuracy)),
    /** Absent where the probabilities were not calibrated after training. */
    calibration: z.optional(calibration),
    /** How the model says that an image shows none of its classes; absent where it does not. */
    knownScore: z.optional(knownScore),
    /** Present where an image may have several of the labels, or none: each has a probability of its own. */
    multiLabel: z.optional(multiLabel),
    /** The last labels, where they were added to the trained model from a few photos each. */
    added: z.optional(z.readonly(z.array(addedClass))),
    /** SHA-256 of the weight shards in order, in hexadecimal. */
    weightsHash: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
    /** The training command and all of its settings; null for a pretrained network. */
    training: z.nullable(
      z.readonly(
        z.strictObject({
          command: z.string(),
          seconds: z.number().check(z.nonnegative()),
          config: z.looseObject({}),
          /** Absent in older cards. */
          data: z.optional(trainingData),
        }),
      ),
    ),
    licences: z.readonly(
      z.array(z.readonly(z.strictObject({ of: z.string(), licence: z.string() }))),
    ),
  }),
);

export type ModelCard = z.infer<typeof modelCard>;
