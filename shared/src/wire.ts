import * as z from 'zod';
import { modelCard } from './model-card.ts';

const model = z.string().optional().meta({
  description: "A model's id, or id@version. The service's default model when left out.",
  example: 'imagenet',
});

const TOP = { default: 5, max: 100 } as const;

/** In a query every value is a string. */
const topOfQuery = z.coerce.number().int().min(1).max(TOP.max).default(TOP.default).meta({
  description: 'How many predictions to answer with.',
});

/** `GET /classify`'s query. */
export const classifyQuery = z.strictObject({
  url: z.string().meta({
    description: 'Where the picture is: a public http or https url.',
    example: 'https://example.com/cat.jpg',
  }),
  model,
  top: topOfQuery,
  expires: z.coerce.number().int().optional().meta({
    description: 'Until when the signature holds, in seconds since 1970.',
  }),
  signature: z.string().optional().meta({
    description: 'HMAC-SHA256 of expires, a line feed and url, in hexadecimal.',
  }),
});

/** `POST /classify`'s query; the picture is the body. */
export const pictureQuery = classifyQuery.pick({ model: true, top: true });

/** `POST /classify/batch`'s body. */
export const batchRequest = z
  .strictObject({
    urls: z.array(z.string()).min(1).max(100),
    model,
    top: z.int().min(1).max(TOP.max).default(TOP.default),
  })
  .meta({ id: 'BatchRequest' });

const prediction = z.strictObject({
  label: z.string(),
  /** Place in the network's output. */
  index: z.int().nonnegative(),
  probability: z.number().min(0).max(1),
  synset: z.string().optional(),
});

export type Prediction = z.infer<typeof prediction>;

/** `GET /classify`'s answer; predictions most probable first. */
export const classifyAnswer = z
  .strictObject({
    model: z.strictObject({ id: z.string(), version: z.string() }),
    image: z.strictObject({
      width: z.int().positive(),
      height: z.int().positive(),
      format: z.enum(['jpeg', 'png', 'webp', 'avif', 'gif', 'heic']),
      bytes: z.int().positive(),
    }),
    predictions: z.array(prediction),
  })
  .meta({ id: 'ClassifyAnswer' });

export type ClassifyAnswer = z.infer<typeof classifyAnswer>;

/** `GET /models`' answer. */
export const modelsAnswer = z
  .strictObject({
    /** What a request without `model` gets. */
    default: z.string(),
    models: z.array(
      z.strictObject({
        ...modelCard.unwrap().pick({ id: true, title: true, accuracy: true }).shape,
        /** What the bare id means now. */
        version: z.string(),
        /** All that `id@version` may name, the one above among them. */
        versions: z.array(z.string()),
        classes: z.int().positive(),
        /** Side of the network's square input, in pixels. */
        size: z.int().positive(),
        bytes: z.int().positive(),
      }),
    ),
  })
  .meta({ id: 'ModelsAnswer' });

export type ModelsAnswer = z.infer<typeof modelsAnswer>;

/** `GET /models/{id}`'s answer. */
export const modelAnswer = z
  .strictObject({ version: z.string(), card: modelCard })
  .meta({ id: 'ModelAnswer' });

export type ModelAnswer = z.infer<typeof modelAnswer>;

/** `GET /health`'s answer. */
export const healthAnswer = z
  .strictObject({ status: z.literal('ok'), backend: z.enum(['wasm', 'cpu']) })
  .meta({ id: 'HealthAnswer' });

export type HealthAnswer = z.infer<typeof healthAnswer>;

/** Every error that the service knows, with its HTTP status. */
export const problemStatus = {
  invalid_request: 400,
  invalid_url: 400,
  unauthorized: 401,
  blocked_target: 403,
  unknown_model: 404,
  not_found: 404,
  method_not_allowed: 405,
  picture_too_large: 413,
  body_too_large: 413,
  unsupported_picture: 415,
  broken_picture: 422,
  too_many_pixels: 422,
  rate_limited: 429,
  internal: 500,
  fetch_failed: 502,
  overloaded: 503,
  fetch_timeout: 504,
} as const;

export type ProblemCode = keyof typeof problemStatus;

/** An error's body, `application/problem+json` (RFC 9457). */
export const problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(problemStatus) as [ProblemCode, ...ProblemCode[]]),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problem>;

/** A line of `POST /classify/batch`'s answer; `index` is the url's place in the request. */
export const batchLine = z
  .union([
    z.strictObject({ index: z.int().nonnegative(), url: z.string(), answer: classifyAnswer }),
    z.strictObject({ index: z.int().nonnegative(), url: z.string(), problem }),
  ])
  .meta({ id: 'BatchLine' });

export type BatchLine = z.infer<typeof batchLine>;
