import { arithmetics, modelCard } from './model-card.ts';
import * as z from './schema.ts';
import { type ProblemCode, problemStatus } from './wire.ts';

// What the service answers with. The Worker, which checks no answer of its own, reads this only when
// it describes itself.

const count = z.int().check(z.positive());
const index = z.int().check(z.nonnegative());

const prediction = z.strictObject({
  label: z.string(),
  /** Place in the network's output. */
  index,
  probability: z.number().check(z.minimum(0), z.maximum(1)),
  synset: z.optional(z.string()),
});

export type Prediction = z.infer<typeof prediction>;

/** `GET /classify`'s answer; predictions most probable first. */
export const classifyResponse = z
  .strictObject({
    model: z.strictObject({ id: z.string(), version: z.string() }),
    image: z.strictObject({
      width: count,
      height: count,
      format: z.enum(['jpeg', 'png', 'webp', 'avif', 'gif', 'heic']),
      bytes: count,
    }),
    predictions: z.array(prediction),
  })
  .check(z.meta({ id: 'ClassifyResponse' }));

export type ClassifyResponse = z.infer<typeof classifyResponse>;

/** `GET /models`' answer. */
export const modelsResponse = z
  .strictObject({
    /** What a request without `model` gets. */
    default: z.string(),
    models: z.array(
      z.strictObject({
        ...z.pick(modelCard.def.innerType, { id: true, title: true, accuracy: true }).shape,
        /** What the bare id means now. */
        version: z.string(),
        /** All that `id@version` may name, the one above among them. */
        versions: z.array(z.string()),
        classes: count,
        /** Side of the network's square input, in pixels. */
        size: count,
        bytes: count,
      }),
    ),
  })
  .check(z.meta({ id: 'ModelsResponse' }));

export type ModelsResponse = z.infer<typeof modelsResponse>;

/** `GET /models/{id}`'s answer. */
export const modelResponse = z
  .strictObject({ version: z.string(), card: modelCard })
  .check(z.meta({ id: 'ModelResponse' }));

export type ModelResponse = z.infer<typeof modelResponse>;

/** `GET /health`'s answer. */
export const healthResponse = z
  .strictObject({
    status: z.literal('ok'),
    backend: z.enum(['wasm', 'cpu']),
    /** What models are computed in here whose card says `int8`, and why. */
    arithmetic: z.enum(arithmetics),
    reason: z.string(),
  })
  .check(z.meta({ id: 'HealthResponse' }));

export type HealthResponse = z.infer<typeof healthResponse>;

/** An error's body, `application/problem+json` (RFC 9457). */
export const problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(problemStatus) as [ProblemCode, ...ProblemCode[]]),
  })
  .check(z.meta({ id: 'Problem' }));

export type Problem = z.infer<typeof problem>;

/** A line of `POST /classify/batch`'s answer; `index` is the url's place in the request. */
export const batchLine = z
  .union([
    z.strictObject({ index, url: z.string(), answer: classifyResponse }),
    z.strictObject({ index, url: z.string(), problem }),
  ])
  .check(z.meta({ id: 'BatchLine' }));

export type BatchLine = z.infer<typeof batchLine>;
