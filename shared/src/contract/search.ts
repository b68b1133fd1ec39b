import * as z from './schema.ts';
import { embeddingFormat as format, indexName as index } from './vectors.ts';
import { classifyQuery } from './wire.ts';

// What `/embed` and `/similar` take.

const { url, model } = classifyQuery.shape;

/** The query of `GET /embed`. */
export const embedQuery = z.strictObject({ url, model, format: z._default(format, 'float32') });

/** The query of `POST /embed`; the image is the body. */
export const embedImageQuery = z.pick(embedQuery, { model: true, format: true });

/** The JSON body of `POST /embed`, which names an image to fetch. */
export const embedUrlRequest = z.strictObject({ url, model, format: z.optional(format) });

const TOP = { default: 10, max: 50 } as const;

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
