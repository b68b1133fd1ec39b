import { classifyResponse } from './responses.ts';
import * as z from './schema.ts';
import { classifyQuery } from './wire.ts';

// What `/embed` takes and gives.

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
