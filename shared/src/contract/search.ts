import { classifyResponse } from './responses.ts';
import * as z from './schema.ts';
import { classifyQuery } from './wire.ts';

// What `/embed` and `/similar` take and give.

const format = z.enum(['float32', 'int8']).check(
  z.meta({
    description:
      'How the values are encoded: as float32, or in a quarter of the bytes as int8 with one scale.',
  }),
);

const { url, model } = classifyQuery.shape;

/** The query of `GET /embed`. */
export const embedQuery = z.strictObject({ url, model, format: z._default(format, 'float32') });

/** The query of `POST /embed`; the image is the body. */
export const embedImageQuery = z.pick(embedQuery, { model: true, format: true });

/** The JSON body of `POST /embed`, which names an image to fetch. */
export const embedUrlRequest = z.strictObject({ url, model, format: z.optional(format) });

/** The response of `/embed`. */
export const embedResponse = z
  .strictObject({
    model: classifyResponse.shape.model,
    image: classifyResponse.shape.image,
    embedding: z.strictObject({
      format,
      /** How many values there are. */
      dimensions: z.int().check(z.positive()),
      /** What a step of int8 is worth; absent of float32. */
      scale: z.optional(z.number()),
      /** Base64 of the values, of float32 little-endian. The norm of the values is 1. */
      data: z.string(),
    }),
  })
  .check(z.meta({ id: 'EmbedResponse' }));

export type EmbedResponse = z.infer<typeof embedResponse>;

const TOP = { default: 10, max: 50 } as const;

const index = z
  .string()
  .check(
    z.regex(/^[\w-]{1,64}$/),
    z.meta({ description: 'The name of an index of this service.', example: 'images' }),
  );
const DEFAULT_INDEX = 'images';

/** In a query every value is a string. */
const topOfQuery = z._default(
  z.coerce.number().check(
    z.int(),
    z.minimum(1),
    // What Vectorize returns at most.
    z.maximum(TOP.max),
    z.meta({ description: 'The number of images in the response.' }),
  ),
  TOP.default,
);

/** The query of `GET /similar`. */
export const similarQuery = z.strictObject({
  url,
  index: z._default(index, DEFAULT_INDEX),
  top: topOfQuery,
});

/** The query of `POST /similar`; the image is the body. */
export const similarImageQuery = z.pick(similarQuery, { index: true, top: true });

/** The JSON body of `POST /similar`, which names an image to fetch. */
export const similarUrlRequest = z.strictObject({
  url,
  index: z.optional(index),
  top: z.optional(z.int().check(z.minimum(1), z.maximum(TOP.max))),
});

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
        /** Its path from the folder of which the index was written. */
        image: z.string(),
        /** Cosine of the angle between the two embeddings; of a copy it is 1. */
        similarity: z.number().check(z.minimum(-1), z.maximum(1)),
      }),
    ),
  })
  .check(z.meta({ id: 'SimilarResponse' }));

export type SimilarResponse = z.infer<typeof similarResponse>;
