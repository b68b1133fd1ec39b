import { dimensionsFor, MAX_INDEX_BYTES, SAMPLED_VECTORS } from 'shared/search/index-size';
import { JoinedIndex, type OpenIndex, openIndex } from 'shared/search/join-indexes';
import { addToMoment, principalDirections, project } from 'shared/search/principal-directions';
import { writeVectorIndex } from 'shared/search/write-vector-index';
import { CHUNKS_PER_PAGE, type Limits } from '../../limits.ts';
import { type Job, type JobState, type JobsEnv, keys } from '../job.ts';
import { JobFailure } from '../pages.ts';
import { failedOf } from '../tally.ts';
import { listChunks, readEmbeddings } from './read-embeddings.ts';

/**
 * Makes one step towards the index of a job whose images all have a result. The first step finds the directions in
 * which embeddings are kept, where there is no room for all of them; the next ones write parts, each an index of some
 * chunks; and the last one joins them in the bucket SEARCH. A step that is repeated writes the same bytes.
 *
 * @returns whether the index is there; also for a job that makes none
 * @throws JobFailure
 */
export async function advanceIndex(
  env: JobsEnv,
  job: Job,
  state: { -readonly [Name in keyof JobState]: JobState[Name] },
  { jobs: { indexing } }: Limits,
): Promise<boolean> {
  if (job.index === undefined) return true;
  const { chunksPerPart, partsPerStep } = indexing;
  const parts = Math.ceil((state.pages * CHUNKS_PER_PAGE) / chunksPerPart);
  const step = state.indexSteps++;
  if (step === 0) {
    await writeStart(env, job, state, indexing);
    return false;
  }
  const first = (step - 1) * partsPerStep;
  if (first >= parts) {
    await joinParts(env, job, state.run, parts);
    return true;
  }
  const start = await openPart(env, job, state.run, 'start');
  const directions = await readDirections(start);
  for (let part = first; part < Math.min(parts, first + partsPerStep); part++) {
    await writePart(env, job, state.run, part, { ...start, directions, chunksPerPart });
  }
  return false;
}

/** Writes an index without vectors, which has their projection. */
async function writeStart(
  env: JobsEnv,
  job: Job,
  { run, tally }: JobState,
  { vectorBytes }: Limits['jobs']['indexing'],
): Promise<void> {
  const chunks = await listChunks(env, job);
  const every = Math.ceil(tally.images / SAMPLED_VECTORS);
  const sample = chunks.filter((_, at) => at % every === 0);
  let moment: Float32Array | undefined;
  let [width, dimensions] = [0, 0];
  for (const chunk of sample) {
    const vectors = (await readEmbeddings(env, chunk)).map(({ values }) => values);
    const [vector] = vectors;
    if (!vector) continue;
    width = vector.length;
    dimensions = dimensionsFor(width, tally.images - failedOf(tally), vectorBytes);
    if (dimensions >= width) break;
    moment ??= new Float32Array(width * width);
    addToMoment(moment, vectors);
  }
  if (width === 0) throw new JobFailure('No image has an embedding, so that there is no index.');
  const { id, version } = job.model;
  const file = writeVectorIndex({
    ...{ model: `${id}@${version}`, vectors: new Float32Array(), dimensions, names: [] },
    ...(moment && { projection: principalDirections(moment, dimensions) }),
  });
  await env.JOBS.put(keys.indexPart(job.id, run, 'start'), file);
}

/** @returns `[dimensions, width]`, where embeddings are projected */
async function readDirections({
  header: { width, dimensions },
  layout: { projection },
  readStart,
}: OpenIndex): Promise<Float32Array | undefined> {
  if (projection === undefined) return undefined;
  return new Float32Array((await readStart()).buffer, projection, dimensions * width);
}

async function writePart(
  env: JobsEnv,
  job: Job,
  run: number,
  part: number,
  {
    header: { model, dimensions },
    directions,
    chunksPerPart,
  }: Pick<OpenIndex, 'header'> & {
    readonly directions: Float32Array | undefined;
    readonly chunksPerPart: number;
  },
): Promise<void> {
  const names: string[] = [];
  const vectors: Float32Array[] = [];
  for (const chunk of await listChunks(env, job, part * chunksPerPart, chunksPerPart)) {
    for (const { image, values } of await readEmbeddings(env, chunk)) {
      names.push(image);
      vectors.push(directions ? project(directions, values) : values);
    }
  }
  const file = writeVectorIndex({
    ...{ model, vectors: joined(vectors, dimensions), dimensions, names },
  });
  await env.JOBS.put(keys.indexPart(job.id, run, part), file);
}

/** @throws JobFailure where the names of the images take too much room */
async function joinParts(env: JobsEnv, job: Job, run: number, count: number): Promise<void> {
  const bucket = env.SEARCH;
  if (!bucket) throw new JobFailure('The service has no bucket SEARCH any more.');
  const parts: OpenIndex[] = [];
  for (let part = 0; part < count; part++) parts.push(await openPart(env, job, run, part));
  const index = new JoinedIndex(await openPart(env, job, run, 'start'), parts);
  const { bytes } = index;
  if (bytes > MAX_INDEX_BYTES) {
    throw new JobFailure(
      `Expected an index of at most ${MAX_INDEX_BYTES} bytes, but its images and their keys take ${bytes}: start a job for each of several prefixes.`,
    );
  }
  const start = await index.readStart();
  const { readable, writable } = new FixedLengthStream(bytes);
  const write = async (): Promise<void> => {
    const writer = writable.getWriter();
    await writer.write(start);
    writer.releaseLock();
    for (const [part, { layout }] of parts.entries()) {
      if (layout.codes === layout.end) continue;
      const range = { offset: layout.codes };
      const codes = await env.JOBS.get(keys.indexPart(job.id, run, part), { range });
      await codes?.body.pipeTo(writable, { preventClose: true });
    }
    await writable.close();
  };
  const written = write().catch(async (error: unknown) => {
    await writable.abort(error);
    throw error;
  });
  await Promise.all([bucket.put(`${job.index}.index`, readable), written]);
}

/** Reads a part's header. */
async function openPart(
  { JOBS }: JobsEnv,
  job: Job,
  run: number,
  part: number | 'start',
): Promise<OpenIndex> {
  const key = keys.indexPart(job.id, run, part);
  const missing = () => new Error(`The bucket JOBS has no ${key}.`);
  const found = await JOBS.head(key);
  if (!found) throw missing();
  return openIndex(found.size, async (length) => {
    const object = await JOBS.get(key, { range: { offset: 0, length } });
    if (!object) throw missing();
    return new Uint8Array(await object.arrayBuffer());
  });
}

function joined(rows: readonly Float32Array[], width: number): Float32Array {
  const all = new Float32Array(rows.length * width);
  for (const [at, row] of rows.entries()) all.set(row, at * width);
  return all;
}
