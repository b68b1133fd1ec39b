import * as z from './schema.ts';

/** `<day>.<model>.<index of the predicted class>.<uuid>`: of an image that the service has kept. */
export const feedbackId = z
  .string()
  .check(
    z.regex(/^\d{4}-\d\d-\d\d\.[a-z0-9-]{1,64}\.\d{1,5}\.[0-9a-f-]{36}$/, 'the id of a kept image'),
  );

/** The body of `POST /feedback`: what a kept image really shows. */
export const feedbackRequest = z.strictObject({
  id: feedbackId,
  label: z
    .string()
    .check(
      z.minLength(1),
      z.maxLength(100),
      z.meta({ description: "One of the model's labels, or another word for what is to be seen." }),
    ),
});

/** The query of `GET /feedback`. */
export const feedbackQuery = z.strictObject({
  after: z.optional(z.string()).register(z.globalRegistry, {
    description: 'Where the list goes on, as the Link header gives it.',
  }),
});

/** What the model said of a kept image. */
export const keptImage = z.strictObject({
  format: z.string(),
  /** The most probable label; of several labels an image, the one that it may have or not. */
  predicted: z.string(),
  probability: z.number(),
  score: z.optional(z.number()),
  /** Of several labels an image, those that the model gave, the most probable ones. */
  labels: z.optional(z.array(z.string())),
  model: z.string(),
  version: z.string(),
  at: z.iso.datetime(),
});

export type KeptImage = z.infer<typeof keptImage>;

/** A line of the response of `GET /feedback`. */
export const feedbackLine = z
  .strictObject({
    ...keptImage.shape,
    id: feedbackId,
    /** What somebody said that it is. */
    label: z.optional(z.string()),
  })
  .register(z.globalRegistry, { id: 'FeedbackLine' });

export type FeedbackLine = z.infer<typeof feedbackLine>;
