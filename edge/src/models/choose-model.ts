import { splitReference } from 'shared/contract/models-index';
import type { Env } from '../env.ts';
import { type ListedModel, loadModelsIndex, resolveModel } from './models-index.ts';

/** The version that serves a request, and what else is to be done with its image. */
export interface ChosenModel {
  readonly model: ListedModel;
  /** The candidate, where it is to compute the same image after the response. */
  readonly shadow?: ListedModel | undefined;
  /** Whether other clients get another version. */
  readonly isSplit: boolean;
}

/**
 * The version that serves a client: the current one, or the candidate that `index.json` has for a share of
 * the clients. A client sees one version as long as the candidate is the same, and each candidate has
 * clients of its own. A request that names a version gets that one.
 *
 * @param client a name that stays the same from one request to the next
 * @throws ProblemError `unknown_model`
 */
export async function chooseModel(
  env: Env,
  reference: string | undefined,
  client: string,
): Promise<ChosenModel> {
  const model = await resolveModel(env, reference);
  const index = await loadModelsIndex(env);
  const asked = splitReference(reference ?? index.default);
  const tried = asked.version === undefined ? index.candidates?.[asked.id] : undefined;
  if (!tried) return { model, isSplit: false };
  const isSplit = !tried.shadow;
  const name = `${asked.id}@${tried.version}`;
  if ((await placeOf(`${name} ${client}`)) >= tried.share) return { model, isSplit };
  try {
    const candidate = await resolveModel(env, name);
    return isSplit ? { model: candidate, isSplit } : { model, shadow: candidate, isSplit };
  } catch (error) {
    // The current version does without it.
    console.error(`The candidate ${name} cannot be read.`, error);
    return { model, isSplit };
  }
}

/** Where a text lies among all texts, 0–1, evenly spread. */
async function placeOf(text: string): Promise<number> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return new DataView(digest).getUint32(0) / 2 ** 32;
}
