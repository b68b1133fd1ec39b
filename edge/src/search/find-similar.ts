import type { SimilarResponse } from 'shared/contract/responses';
import type { IndexHeader } from 'shared/search/index-layout';
import type { Admission } from '../classify/admission.ts';
import { embedImage } from '../classify/embed-image.ts';
import type { ImageSource } from '../classify/image-source.ts';
import type { Timings } from '../classify/infer.ts';
import type { Env } from '../env.ts';
import { type ListedModel, resolveModel } from '../models/models-index.ts';
import { overloaded, ProblemError } from '../problem.ts';
import { withIndex } from './stored-index.ts';

interface Found {
  readonly response: SimilarResponse;
  readonly timings: Timings;
}

/**
 * Finds the images of an index that are most like another one, by the embeddings of the index's model.
 *
 * @param wanted.index its name
 * @param wanted.top how many at most
 * @throws ProblemError of every kind that the source, the decoders and the models have; `not_found`, `misconfigured`
 */
export async function findSimilar(
  source: ImageSource,
  { index: name, top }: { readonly index: string; readonly top: number },
  admission: Admission,
): Promise<Found> {
  const { env } = admission;
  const bucket = env.SEARCH;
  if (!bucket) throw misconfigured('has no bucket SEARCH, in which indexes are');
  const header = await withIndex(bucket, name, (index) => index.header);
  const model = await modelOf(env, name, header);
  const { result, image, timings } = await embedImage(source, model, admission);
  const begin = performance.now();
  const near = await withIndex(bucket, name, (index) => {
    if (index.header.model !== header.model) throw overloaded('The index is being replaced');
    const vector = index.toVector(result);
    return index.header.isRemote ? vector : index.nearest(vector, top);
  });
  const matches = near instanceof Float32Array ? await nearestRemote(env, near, top) : near;
  return {
    response: { model: { id: model.id, version: model.version }, image, index: name, matches },
    timings: { ...timings, search: performance.now() - begin },
  };
}

/** The version whose embeddings the index has, whatever is current. */
async function modelOf(env: Env, name: string, { model }: IndexHeader): Promise<ListedModel> {
  try {
    return await resolveModel(env, model);
  } catch (cause) {
    if (!(cause instanceof ProblemError && cause.code === 'unknown_model')) throw cause;
    throw misconfigured(`has an index ${name} of ${model}, but not that model`, cause);
  }
}

/** @see https://developers.cloudflare.com/vectorize/reference/client-api/ */
async function nearestRemote(
  { VECTORIZE }: Env,
  vector: Float32Array,
  top: number,
): Promise<SimilarResponse['matches']> {
  if (!VECTORIZE) throw misconfigured('has no binding VECTORIZE, in which the vectors are');
  const found = await VECTORIZE.query(vector, { topK: top, returnMetadata: 'all' });
  return found.matches.map(({ id, score, metadata }) => {
    const image = metadata?.['image'];
    return { image: typeof image === 'string' ? image : id, similarity: score };
  });
}

function misconfigured(but: string, cause?: unknown): ProblemError {
  return new ProblemError('misconfigured', `This service ${but}; its operator must correct it.`, {
    cause,
  });
}
