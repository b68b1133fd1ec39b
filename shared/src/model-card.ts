import * as z from 'zod';
import { preprocessSpec } from './preprocess.ts';

/** A class: its name, and its WordNet synset id where the data set has one. */
export const label = z
  .strictObject({ name: z.string().min(1), synset: z.string().optional() })
  .readonly();

export type Label = z.infer<typeof label>;

const fraction = z.number().min(0).max(1);

const accuracy = z
  .strictObject({
    /** `measured` by the trainer on this artifact, or `published` by the network's authors. */
    source: z.enum(['measured', 'published']),
    dataset: z.string(),
    split: z.string(),
    pictures: z.int().positive(),
    /** Top-1 of the network before quantization. */
    float32: fraction,
    /** Top-1 of the weights in this directory. */
    quantized: fraction.optional(),
    /** Top-5 of the weights in this directory, where there are more than five classes. */
    top5: fraction.optional(),
  })
  .readonly();

const calibration = z
  .strictObject({
    /**
     * What the logits were divided by so that probabilities say how often the model is right
     * (Guo et al. 2017, §4.2). It is in the weights: do not divide again.
     */
    temperature: z.number().positive(),
    /** Of the validation set, which chose it. */
    pictures: z.int().positive(),
    /** Expected calibration error in 15 bins, without the temperature and with it, on the test set. */
    ece: z.strictObject({ before: fraction, after: fraction }).readonly(),
  })
  .readonly();

/** A model's name in urls and folders. */
export const modelId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'up to 64 lower-case letters, digits and hyphens');

/** What a model directory says of itself, in `model.json` under `userDefinedMetadata.card`. */
export const modelCard = z
  .strictObject({
    id: modelId,
    title: z.string(),
    created: z.iso.datetime(),
    /** One a class, in the order of the network's output. */
    labels: z.array(label).min(2).readonly(),
    architecture: z.strictObject({ name: z.string(), parameters: z.int().positive() }).readonly(),
    pretraining: z.strictObject({ dataset: z.string(), source: z.string() }).readonly(),
    preprocess: preprocessSpec,
    quantization: z
      .strictObject({
        /**
         * How kernels are stored. `uint8-per-channel`: in 8 bits with one scale an output channel;
         * `mixed`: those in 16-bit floats that 8 bits would hurt most.
         */
        scheme: z.enum(['float32', 'float16', 'uint16-per-channel', 'uint8-per-channel', 'mixed']),
        /** Size of all the weight shards. */
        bytes: z.int().positive(),
      })
      .readonly(),
    accuracy: z.array(accuracy).readonly(),
    /** Absent where probabilities are as the network's training left them. */
    calibration: calibration.optional(),
    /** SHA-256 of the weight shards in order, in hexadecimal. */
    weightsHash: z.string().regex(/^[0-9a-f]{64}$/),
    /** The command that trained it and every setting that it ran with; null for a pretrained one. */
    training: z
      .strictObject({
        command: z.string(),
        seconds: z.number().nonnegative(),
        // What the API's description says of it; the schema itself is endless.
        config: z.json().meta({ type: 'object' }),
      })
      .readonly()
      .nullable(),
    licences: z
      .array(z.strictObject({ of: z.string(), licence: z.string() }).readonly())
      .readonly(),
  })
  .readonly();

export type ModelCard = z.infer<typeof modelCard>;
