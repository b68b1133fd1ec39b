import * as z from 'zod';
import { modelCard } from './model-card.ts';

/** `GET /classify`'s query. */
export const classifyQuery = z.strictObject({
  url: z.string(),
  model: z.string().optional(),
  top: z.coerce.number().int().min(1).max(100).default(5),
});

const prediction = z.strictObject({
  label: z.string(),
  /** Place in the network's output. */
  index: z.int().nonnegative(),
  probability: z.number().min(0).max(1),
  synset: z.string().optional(),
});

export type Prediction = z.infer<typeof prediction>;

/** `GET /classify`'s answer; predictions most probable first. */
export const classifyAnswer = z.strictObject({
  model: z.strictObject({ id: z.string(), version: z.string() }),
  image: z.strictObject({
    width: z.int().positive(),
    height: z.int().positive(),
    format: z.enum(['jpeg', 'png', 'webp']),
    bytes: z.int().positive(),
  }),
  predictions: z.array(prediction),
});

export type ClassifyAnswer = z.infer<typeof classifyAnswer>;

/** `GET /models`' answer. */
export const modelsAnswer = z.strictObject({
  default: z.string(),
  models: z.array(
    z.strictObject({
      ...modelCard.unwrap().pick({ id: true, title: true, accuracy: true }).shape,
      version: z.string(),
      classes: z.int().positive(),
      /** Side of the network's square input, in pixels. */
      size: z.int().positive(),
      bytes: z.int().positive(),
    }),
  ),
});

export type ModelsAnswer = z.infer<typeof modelsAnswer>;

/** `GET /health`'s answer. */
export const healthAnswer = z.strictObject({
  status: z.literal('ok'),
  backend: z.enum(['wasm', 'cpu']),
});

export type HealthAnswer = z.infer<typeof healthAnswer>;

/** Every error that the service knows, with its HTTP status. */
export const problemStatus = {
  invalid_request: 400,
  invalid_url: 400,
  blocked_target: 403,
  unknown_model: 404,
  not_found: 404,
  method_not_allowed: 405,
  picture_too_large: 413,
  unsupported_picture: 415,
  broken_picture: 422,
  too_many_pixels: 422,
  internal: 500,
  fetch_failed: 502,
  fetch_timeout: 504,
} as const;

export type ProblemCode = keyof typeof problemStatus;

/** An error's body, `application/problem+json` (RFC 9457). */
export const problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(problemStatus) as [ProblemCode, ...ProblemCode[]]),
});

export type Problem = z.infer<typeof problem>;
