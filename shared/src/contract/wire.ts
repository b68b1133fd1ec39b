import * as z from './schema.ts';

const model = z.optional(z.string()).check(
  z.meta({
    description: "A model's id, or id@version. The service's default model when left out.",
    example: 'imagenet',
  }),
);

const TOP = { default: 5, max: 100 } as const;

/** In a query every value is a string. */
const topOfQuery = z._default(
  z.coerce
    .number()
    .check(
      z.int(),
      z.minimum(1),
      z.maximum(TOP.max),
      z.meta({ description: 'How many predictions to answer with.' }),
    ),
  TOP.default,
);

const topOfBody = z.int().check(z.minimum(1), z.maximum(TOP.max));

/** `GET /classify`'s query. */
export const classifyQuery = z.strictObject({
  url: z.string().check(
    z.meta({
      description: 'Where the image is: a public http or https url.',
      example: 'https://example.com/cat.jpg',
    }),
  ),
  model,
  top: topOfQuery,
  expires: z
    .optional(z.coerce.number().check(z.int()))
    .check(z.meta({ description: 'Until when the signature holds, in seconds since 1970.' })),
  signature: z
    .optional(z.string())
    .check(z.meta({ description: 'HMAC-SHA256 of expires, a line feed and url, in hexadecimal.' })),
});

/** `POST /classify`'s query; the image is the body. */
export const imageQuery = z.pick(classifyQuery, { model: true, top: true });

/** `POST /classify`'s body where it is JSON: an image to fetch in place of one that is sent. */
export const urlRequest = z.strictObject({
  url: classifyQuery.shape.url,
  model,
  top: z.optional(topOfBody),
});

/** `POST /classify/batch`'s body. */
export const batchRequest = z.strictObject({
  urls: z.array(z.string()).check(z.minLength(1), z.maxLength(100)),
  model,
  top: z._default(topOfBody, TOP.default),
});

/** Every error that the service knows, with its HTTP status. */
export const problemStatus = {
  invalid_request: 400,
  invalid_url: 400,
  unauthorized: 401,
  blocked_target: 403,
  unknown_model: 404,
  not_found: 404,
  method_not_allowed: 405,
  upload_timeout: 408,
  image_too_large: 413,
  body_too_large: 413,
  unsupported_image: 415,
  broken_image: 422,
  too_many_pixels: 422,
  rate_limited: 429,
  internal: 500,
  fetch_failed: 502,
  misconfigured: 503,
  overloaded: 503,
  fetch_timeout: 504,
} as const;

export type ProblemCode = keyof typeof problemStatus;
