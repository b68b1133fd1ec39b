import * as z from './schema.ts';

// What embeddings and indexes of them are called, in requests and in the results of jobs.

export const embeddingFormat = z.enum(['float32', 'int8']).register(z.globalRegistry, {
  description:
    'How the values are encoded: as float32, or in a quarter of the bytes as int8 with one scale.',
});

export const embedding = z.strictObject({
  format: embeddingFormat,
  /** How many values there are. */
  dimensions: z.int().check(z.positive()),
  /** What a step of int8 is worth; absent of float32. */
  scale: z.optional(z.number()),
  /** Base64 of the values, of float32 little-endian. The norm of the values is 1. */
  data: z.string(),
});

export type Embedding = z.infer<typeof embedding>;

export const indexName = z
  .string()
  .check(
    z.regex(/^[\w-]{1,64}$/),
    z.meta({ description: 'The name of an index of this service.', example: 'images' }),
  );
