/**
 * What the visitor wants to know: of a file, or of an image's url.
 *
 * @typedef {{ image: File | string, model: string }} Question
 * @typedef {import('shared/contract/responses').ClassifyResponse} ClassifyAnswer
 * @typedef {import('shared/contract/responses').ModelsResponse} ModelsAnswer
 * @typedef {{ name: string, ms: number }} Stage
 * @typedef {{ answer: ClassifyAnswer, stages: Stage[], totalMs: number }} Reply
 */

/** A problem that the service has told of. */
export class ServiceError extends Error {
  /**
   * @param {string} title
   * @param {string} detail
   */
  constructor(title, detail) {
    super(detail);
    this.title = title;
  }
}

/** @returns {Promise<ModelsAnswer>} */
export async function listModels() {
  return readAnswer(await fetch('/models'));
}

/**
 * @param {Question} question
 * @param {AbortSignal} signal
 * @returns {Promise<Reply>}
 */
export async function classify({ image, model }, signal) {
  const start = performance.now();
  const query = new URLSearchParams({ model });
  let response;
  if (typeof image === 'string') {
    query.set('url', image);
    response = await fetch(`/classify?${query}`, { signal });
  } else {
    const headers = { 'content-type': image.type || 'application/octet-stream' };
    response = await fetch(`/classify?${query}`, {
      method: 'POST',
      body: image,
      headers,
      signal,
    });
  }
  const answer = await readAnswer(response);
  return {
    answer,
    stages: readStages(response.headers.get('server-timing') ?? ''),
    totalMs: performance.now() - start,
  };
}

/**
 * @param {Response} response
 * @throws {ServiceError}
 */
async function readAnswer(response) {
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new ServiceError(
    problem.title ?? 'Something went wrong',
    problem.detail ?? `The service answered with status ${response.status}.`,
  );
}

/**
 * The stages that took any time. A deployed Worker's clock stands still while it computes.
 *
 * @param {string} header Server-Timing
 * @returns {Stage[]}
 */
function readStages(header) {
  return [...header.matchAll(/([\w-]+);dur=([\d.]+)/g)]
    .map(([, name = '', ms]) => ({ name, ms: Number(ms) }))
    .filter(({ ms }) => ms > 0);
}
