import { preprocessSpec } from './preprocess-spec.ts';
import * as z from './schema.ts';

/** A class: its name, and its WordNet synset id where the data set has one. */
export interface Label {
  readonly name: string;
  readonly synset?: string | undefined;
}

/** Checked by plain code: a thousand of zod's objects would take longer than to read all the rest. */
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

/** What a network's kernels of 8 bits are computed in. */
export const arithmetics = ['int8', 'float32'] as const;
export type Arithmetic = (typeof arithmetics)[number];

const accuracy = z.readonly(
  z.strictObject({
    /** `measured` by the trainer on this artifact, or `published` by the network's authors. */
    source: z.enum(['measured', 'published']),
    dataset: z.string(),
    /** `test`: images that the data set has for it; `held out`: drawn from its others. */
    split: z.string(),
    images: count,
    /** Top-1 of the network before quantization. */
    float32: fraction,
    /** Top-1 of the weights in this directory, computed in their `arithmetic`. */
    quantized: z.optional(fraction),
    /** The same computed in float32, as where there is no relaxed SIMD; absent where that is their arithmetic. */
    quantizedInFloat32: z.optional(fraction),
    /** Top-5 of the weights in this directory, where there are more than five classes. */
    top5: z.optional(fraction),
  }),
);

const calibration = z.readonly(
  z.strictObject({
    /**
     * What the logits were divided by so that probabilities say how often the model is right
     * (Guo et al. 2017, §4.2). It is in the weights: do not divide again.
     */
    temperature: z.number().check(z.positive()),
    /** Of the validation set, which chose it. */
    images: count,
    /** Expected calibration error in 15 bins, without the temperature and with it, on the test set. */
    ece: z.readonly(z.strictObject({ before: fraction, after: fraction })),
  }),
);

/** A model's name in urls and folders. */
export const modelId = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'up to 64 lower-case letters, digits and hyphens'));

/** What a model directory says of itself, in `model.json` under `userDefinedMetadata.card`. */
export const modelCard = z.readonly(
  z.strictObject({
    id: modelId,
    title: z.string(),
    created: z.iso.datetime(),
    /** One a class, in the order of the network's output. */
    labels,
    architecture: z.readonly(z.strictObject({ name: z.string(), parameters: count })),
    pretraining: z.readonly(z.strictObject({ dataset: z.string(), source: z.string() })),
    preprocess: preprocessSpec,
    quantization: z.readonly(
      z.strictObject({
        /**
         * How kernels are stored. `uint8-per-channel`: in 8 bits with one scale an output channel;
         * `mixed`: those in 16-bit floats that 8 bits would hurt most.
         */
        scheme: z.enum(['float32', 'float16', 'uint16-per-channel', 'uint8-per-channel', 'mixed']),
        /**
         * `int8`: convolutions and products of 8-bit kernels, but for depthwise and short ones, are
         * computed in 8 bits, wherever there is relaxed SIMD; see docs/arithmetic.md. Absent: in float32.
         */
        arithmetic: z.optional(z.enum(arithmetics)),
        /** Size of all the weight shards. */
        bytes: count,
      }),
    ),
    accuracy: z.readonly(z.array(accuracy)),
    /** Absent where probabilities are as the network's training left them. */
    calibration: z.optional(calibration),
    /** SHA-256 of the weight shards in order, in hexadecimal. */
    weightsHash: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
    /** The command that trained it and every setting that it ran with; null for a pretrained one. */
    training: z.nullable(
      z.readonly(
        z.strictObject({
          command: z.string(),
          seconds: z.number().check(z.nonnegative()),
          config: z.looseObject({}),
          /** The data set's hash, and how many of its images trained; absent in older cards. */
          data: z.optional(z.readonly(z.strictObject({ hash: z.string(), images: count }))),
        }),
      ),
    ),
    licences: z.readonly(
      z.array(z.readonly(z.strictObject({ of: z.string(), licence: z.string() }))),
    ),
  }),
);

export type ModelCard = z.infer<typeof modelCard>;
