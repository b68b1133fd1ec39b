import { classify, ServiceError } from './ask.js';

/**
 * What came of one image of several.
 *
 * @typedef {import('./ask.js').ImageSource} ImageSource
 * @typedef {{ image: ImageSource, reply: import('./ask.js').Reply }
 *   | { image: ImageSource, problem: ServiceError }} Outcome
 */

/** As many as leave the browser connections for the rest of the page. */
const CONCURRENCY = 3;

/** How often an image is sent again when the service is busy. */
const RETRIES = 3;

/**
 * Classifies images, a few at a time, and sends those again that the service had no time for.
 *
 * @param {readonly ImageSource[]} images
 * @param {string} model
 * @param {AbortSignal} signal
 * @param {(outcome: Outcome, index: number) => void} onOutcome called once an image
 * @throws {ServiceError} where a key is needed, which is then so for all of them
 */
export async function classifyMany(images, model, signal, onOutcome) {
  let next = 0;
  const work = async () => {
    while (next < images.length) {
      const index = next++;
      const image = /** @type {ImageSource} */ (images[index]);
      onOutcome(await classifyOne({ image, model }, signal), index);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

/**
 * @param {import('./ask.js').Question} question
 * @param {AbortSignal} signal
 * @returns {Promise<Outcome>}
 */
async function classifyOne(question, signal) {
  for (let attempt = 0; ; attempt++) {
    try {
      return { image: question.image, reply: await classify(question, signal) };
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code === 'unauthorized') throw error;
      if (error.retryAfterS === undefined || attempt === RETRIES) {
        return { image: question.image, problem: error };
      }
      await pause(error.retryAfterS * 1000, signal);
    }
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, ms);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
