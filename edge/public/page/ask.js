import { authorization } from './key.js';

/**
 * What the visitor wants to know: of a file, or of an image's url.
 *
 * @typedef {File | string} ImageSource
 * @typedef {{ image: ImageSource, model: string, explain?: boolean }} Question
 * @typedef {import('shared/contract/responses').ClassifyResponse} ClassifyAnswer
 * @typedef {import('shared/contract/responses').ModelsResponse} ModelsAnswer
 * @typedef {import('shared/contract/responses').ModelResponse['card']} ModelCard
 * @typedef {{ name: string, ms: number }} Stage
 * @typedef {{ answer: ClassifyAnswer, stages: Stage[], totalMs: number }} Reply
 */

/** A problem that the service has told of. */
export class ServiceError extends Error {
  /**
   * @param {string} title
   * @param {string} detail
   * @param {{ code?: string, retryAfterS?: number }} [more]
   */
  constructor(title, detail, { code = '', retryAfterS } = {}) {
    super(detail);
    this.title = title;
    this.code = code;
    /** When the service wants to be asked again, if it does. */
    this.retryAfterS = retryAfterS;
  }
}

/** @returns {Promise<ModelsAnswer>} */
export async function listModels() {
  return readAnswer(await fetch('/models'));
}

/**
 * @param {string} reference an id, or id@version
 * @returns {Promise<ModelCard>}
 */
export async function loadCard(reference) {
  return (await readAnswer(await fetch(`/models/${encodeURIComponent(reference)}`))).card;
}

/**
 * @param {Question} question
 * @param {AbortSignal} signal
 * @returns {Promise<Reply>}
 */
export async function classify({ image, model, explain }, signal) {
  const start = performance.now();
  const query = new URLSearchParams({ model, ...(explain && { explain: 'true' }) });
  let response;
  if (typeof image === 'string') {
    query.set('url', image);
    response = await fetch(`/classify?${query}`, { headers: authorization(), signal });
  } else {
    const headers = { 'content-type': typeOf(image), ...authorization() };
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
 * Says what an image shows that the service keeps.
 *
 * @param {string} id
 * @param {string} label
 */
export async function sendFeedback(id, label) {
  const response = await fetch('/feedback', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization() },
    body: JSON.stringify({ id, label }),
  });
  if (!response.ok) await readAnswer(response);
}

/** @param {File} file */
export function typeOf(file) {
  return file.type || 'application/octet-stream';
}

/**
 * How a file or a url is called in words.
 *
 * @param {ImageSource} image
 */
export function nameOfSource(image) {
  return typeof image === 'string' ? image : image.name;
}

/**
 * @param {Response} response
 * @throws {ServiceError}
 */
async function readAnswer(response) {
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  const retryAfter = response.headers.get('retry-after');
  throw new ServiceError(
    problem.title ?? 'Something went wrong',
    problem.detail ?? `The service answered with status ${response.status}.`,
    { code: problem.code, ...(retryAfter && { retryAfterS: Number(retryAfter) }) },
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
