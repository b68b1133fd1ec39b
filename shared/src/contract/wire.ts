import * as z from './schema.ts';

const model = z.optional(z.string()).register(z.globalRegistry, {
  description: "A model's id, or id@version. The default is the service's default model.",
  example: 'imagenet',
});

const TOP = { default: 5, max: 100 } as const;

/** In a query every value is a string. */
const topOfQuery = z._default(
  z.coerce.number().check(
    z.int(),
    z.minimum(1),
    z.maximum(TOP.max),
    z.meta({
      description:
        'The number of predictions in the response; a model of several labels gives all that reach their thresholds.',
    }),
  ),
  TOP.default,
);

const topOfBody = z.int().check(z.minimum(1), z.maximum(TOP.max));

const unknown = z.enum(['only', 'reject']).register(z.globalRegistry, {
  description:
    'What an image of none of the classes gets: predictions beside known: false (only), or none (reject).',
});

/** In a query it is text, as `top` is. */
const explainOfQuery = z.enum(['true', 'false']).register(z.globalRegistry, {
  description:
    'Whether the response says how much each part of the image adds to the most probable label.',
});

export type UnknownPolicy = z.infer<typeof unknown>;

/** The query of `GET /classify`. */
export const classifyQuery = z.strictObject({
  url: z.string().register(z.globalRegistry, {
    description: 'The url of the image, on a public http or https server.',
    example: 'https://example.com/cat.jpg',
  }),
  model,
  top: topOfQuery,
  unknown: z._default(unknown, 'only'),
  explain: z._default(explainOfQuery, 'false'),
  expires: z.optional(z.coerce.number().check(z.int())).register(z.globalRegistry, {
    description: 'When the signature expires, in seconds since 1970.',
  }),
  signature: z.optional(z.string()).register(z.globalRegistry, {
    description: 'HMAC-SHA256 of expires, a line feed and url, in hexadecimal.',
  }),
});

/** The query of `POST /classify`; the image is the body. */
export const imageQuery = z.pick(classifyQuery, {
  model: true,
  top: true,
  unknown: true,
  explain: true,
});

/** The JSON body of `POST /classify`, which names an image to fetch. */
export const urlRequest = z.strictObject({
  url: classifyQuery.shape.url,
  model,
  top: z.optional(topOfBody),
  unknown: z.optional(unknown),
  explain: z.optional(z.boolean()),
});

/** The body of `POST /classify/batch`. */
export const batchRequest = z.strictObject({
  urls: z.array(z.string()).check(z.minLength(1), z.maxLength(100)),
  model,
  top: z._default(topOfBody, TOP.default),
  unknown: z._default(unknown, 'only'),
});

/** The code of every problem, with its HTTP status. */
export const problemStatus = {
  invalid_request: 400,
  invalid_url: 400,
  unauthorized: 401,
  blocked_target: 403,
  unknown_model: 404,
  not_found: 404,
  method_not_allowed: 405,
  upload_timeout: 408,
  conflict: 409,
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
