import { jobSource } from './jobs.ts';
import { arithmetics, modelCard } from './model-card.ts';
import { candidate } from './models-index.ts';
import * as z from './schema.ts';
import { embedding } from './vectors.ts';
import { type ProblemCode, problemStatus } from './wire.ts';

// The responses of the service. The Worker does not check its own responses, so it loads these schemas
// only to describe its API.

const count = z.int().check(z.positive());
const index = z.int().check(z.nonnegative());

const prediction = z.strictObject({
  label: z.string(),
  /** Index in the network's output. */
  index,
  probability: z.number().check(z.minimum(0), z.maximum(1)),
  synset: z.optional(z.string()),
});

export type Prediction = z.infer<typeof prediction>;

const explanation = z.strictObject({
  label: z.string(),
  /** The grid covers what the network sees, the square in the middle of the image. */
  rows: count,
  columns: count,
  /** What each place adds to the label's logit, row by row, times the number of places. */
  values: z.array(z.number()),
});

/**
 * The response of `GET /classify`; predictions are sorted, most probable first. Of a model of several labels an
 * image, they are all labels that reach their thresholds, and may be none.
 */
export const classifyResponse = z
  .strictObject({
    model: z.strictObject({ id: z.string(), version: z.string() }),
    image: z.strictObject({
      width: count,
      height: count,
      format: z.enum(['jpeg', 'png', 'webp', 'avif', 'gif', 'heic']),
      bytes: count,
    }),
    /** Whether the image shows one of the classes at all; absent where the model has no score. */
    known: z.optional(z.boolean()),
    /** 0–1; the image is known from 0.5 on. */
    score: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
    /** Present where an image may have several labels. */
    multiLabel: z.optional(z.literal(true)),
    predictions: z.array(prediction),
    /** Where asked for: a class activation map of the most probable label (Zhou et al. 2016; Draelos & Carin 2020). */
    explanation: z.optional(explanation),
    /** The same where an image may have several labels: a map for each prediction, in their order. */
    explanations: z.optional(z.array(explanation)),
    /** Under which the image is kept, for `POST /feedback`; absent of images that are not kept. */
    feedback: z.optional(z.string()),
  })
  .register(z.globalRegistry, { id: 'ClassifyResponse' });

export type ClassifyResponse = z.infer<typeof classifyResponse>;

/** The response of `/embed`. */
export const embedResponse = z
  .strictObject({
    model: classifyResponse.shape.model,
    image: classifyResponse.shape.image,
    embedding,
  })
  .register(z.globalRegistry, { id: 'EmbedResponse' });

export type EmbedResponse = z.infer<typeof embedResponse>;

/** The response of `/similar`. */
export const similarResponse = z
  .strictObject({
    /** Whose embeddings are compared. */
    model: classifyResponse.shape.model,
    image: classifyResponse.shape.image,
    index: z.string(),
    /** The most similar image first. */
    matches: z.array(
      z.strictObject({
        /** Its path from the folder of which the index was written, or its key in a bucket. */
        image: z.string(),
        /** Cosine of the angle between the two embeddings; of a copy it is 1. */
        similarity: z.number().check(z.minimum(-1), z.maximum(1)),
      }),
    ),
  })
  .register(z.globalRegistry, { id: 'SimilarResponse' });

export type SimilarResponse = z.infer<typeof similarResponse>;

/** The response of `GET /models`. */
export const modelsResponse = z
  .strictObject({
    /** The model of a request without `model`. */
    default: z.string(),
    /** Whether the service keeps some images that its models doubt. */
    feedback: z.optional(z.literal(true)),
    models: z.array(
      z.strictObject({
        ...z.pick(modelCard.def.innerType, { id: true, title: true, accuracy: true }).shape,
        /** The version that the bare id means now. */
        version: z.string(),
        /** All versions that `id@version` may name, including the current one. */
        versions: z.array(z.string()),
        /** The version that is tried on a share of the clients, where one is. */
        candidate: z.optional(candidate),
        classes: count,
        /** Side of the network's square input, in pixels. */
        size: count,
        bytes: count,
      }),
    ),
  })
  .register(z.globalRegistry, { id: 'ModelsResponse' });

export type ModelsResponse = z.infer<typeof modelsResponse>;

/** The response of `GET /models/{id}`. */
export const modelResponse = z
  .strictObject({ version: z.string(), card: modelCard })
  .register(z.globalRegistry, { id: 'ModelResponse' });

export type ModelResponse = z.infer<typeof modelResponse>;

/** The response of `GET /health`. */
export const healthResponse = z
  .strictObject({
    status: z.literal('ok'),
    backend: z.enum(['wasm', 'cpu']),
    /** The arithmetic of models whose card says `int8`; `reason` explains it. */
    arithmetic: z.enum(arithmetics),
    reason: z.string(),
  })
  .register(z.globalRegistry, { id: 'HealthResponse' });

export type HealthResponse = z.infer<typeof healthResponse>;

/** The body of an error response, `application/problem+json` (RFC 9457). */
export const problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(problemStatus) as [ProblemCode, ...ProblemCode[]]),
  })
  .register(z.globalRegistry, { id: 'Problem' });

export type Problem = z.infer<typeof problem>;

/** A line of the response of `POST /classify/batch`; `index` is that of the url in the request. */
export const batchLine = z
  .union([
    z.strictObject({ index, url: z.string(), answer: classifyResponse }),
    z.strictObject({ index, url: z.string(), problem }),
  ])
  .register(z.globalRegistry, { id: 'BatchLine' });

export type BatchLine = z.infer<typeof batchLine>;

/** The response of the routes of a job. */
export const jobResponse = z
  .strictObject({
    id: z.string(),
    status: z.enum(['running', 'done', 'cancelled', 'failed']),
    /** Why a job failed, in a sentence. */
    reason: z.optional(z.string()),
    /** `id@version`, which the job keeps whatever the service serves meanwhile. */
    model: z.string(),
    top: count,
    source: jobSource,
    createdAt: z.string(),
    /** When the numbers below were true. */
    updatedAt: z.string(),
    images: z.strictObject({
      /** How many the source is known to have so far. */
      found: index,
      /** Whether that is all of them. */
      isComplete: z.boolean(),
      /** How many have a result: predictions or a problem. */
      done: index,
      /** How many of these have a problem. */
      failed: index,
    }),
    /** How many images have each problem. */
    problems: z.record(z.string(), index),
    imagesPerSecond: z.number(),
    /** Null where it is not known yet. */
    secondsLeft: z.nullable(index),
    /** What the job has cost so far, estimated from what Cloudflare bills, without what the plan includes. */
    usd: z.number(),
    /** Whether images that come into the bucket later are classified too. */
    follows: z.boolean(),
    /** The index of the images that the job makes; it is there once the job is done. */
    index: z.optional(z.string()),
  })
  .register(z.globalRegistry, { id: 'JobResponse' });

export type JobResponse = z.infer<typeof jobResponse>;

/** A line of the response of `GET /jobs/{id}/results`; `image` is a key or a url. */
export const jobLine = z
  .union([
    z.strictObject({ image: z.string(), answer: classifyResponse }),
    z.strictObject({ image: z.string(), embedding }),
    z.strictObject({ image: z.string(), problem }),
  ])
  .register(z.globalRegistry, { id: 'JobLine' });

export type JobLine = z.infer<typeof jobLine>;
