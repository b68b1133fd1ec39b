import * as z from './schema.ts';

/** A version that is tried on a share of the clients before it becomes the current one. */
export const candidate = z.strictObject({
  version: z.string(),
  share: z.number().check(z.minimum(0), z.maximum(1)),
  /**
   * Whether the current version answers these clients too: the candidate computes the same image after
   * the response, and the log says whether the two agree.
   */
  shadow: z.optional(z.boolean()),
});

export type Candidate = z.infer<typeof candidate>;

/**
 * `models/index.json`: the models that a Worker serves, by the names of their directories, `id` or
 * `id@version`, and the one that it takes by default. Of several versions of an id, the first is the
 * current one, and the others are in the order in which a rollback returns to them.
 */
export const modelsIndex = z.strictObject({
  default: z.string(),
  models: z.array(z.string()),
  /** By the id of a model. */
  candidates: z.optional(z.record(z.string(), candidate)),
});

export type ModelsIndex = z.infer<typeof modelsIndex>;

/** @param reference `id` or `id@version` */
export function splitReference(reference: string): { id: string; version: string | undefined } {
  const [id = '', version] = reference.split('@', 2);
  return { id, version };
}
