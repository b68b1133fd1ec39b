import * as z from './schema.ts';
import { indexName } from './vectors.ts';
import { urlRequest } from './wire.ts';

/** Where the images of a job are. */
export const jobSource = z.union([
  z.strictObject({
    bucket: z.string().register(z.globalRegistry, {
      description: 'A bucket of the service: `photos` is the binding BUCKET_PHOTOS.',
      example: 'photos',
    }),
    prefix: z._default(z.string(), '').register(z.globalRegistry, {
      description: 'How the keys of the images begin; without it, all of the bucket is taken.',
      example: '2026/',
    }),
  }),
  z.strictObject({
    urls: z.string().register(z.globalRegistry, {
      description: 'The key of a text in the bucket JOBS, which has a url a line.',
      example: 'urls/shop.txt',
    }),
  }),
]);

export type JobSource = z.infer<typeof jobSource>;

/** The body of `POST /jobs`. */
export const jobRequest = z.strictObject({
  source: jobSource,
  model: urlRequest.shape.model,
  top: z._default(z.int().check(z.minimum(1), z.maximum(100)), 5),
  follow: z._default(z.boolean(), false).register(z.globalRegistry, {
    description:
      'Whether images that come into the bucket later are classified too, until the job is cancelled.',
  }),
  index: z.optional(indexName).register(z.globalRegistry, {
    description:
      'Computes embeddings instead of predictions, and ends with an index of this name, for `/similar`.',
    example: 'images',
  }),
});

export type JobRequest = z.infer<typeof jobRequest>;

/** The query of `GET /jobs/{id}/results`. */
export const resultsQuery = z.strictObject({
  after: z.optional(z.coerce.number().check(z.int(), z.minimum(0))).register(z.globalRegistry, {
    description: 'The chunk after which the results begin, as the Link header gives it.',
  }),
  later: z
    .optional(z.string().check(z.regex(/^([0-9a-f]{64}@[\w.-]+)?$/)))
    .register(z.globalRegistry, {
      description: 'The image that came later after which they begin, as the Link header gives it.',
    }),
});
