import { typeOf } from './ask.js';
import { hasKey } from './key.js';

/**
 * A request as curl takes it.
 *
 * @typedef {object} CurlRequest
 * @property {string} url
 * @property {string} [type] of the body
 * @property {string} [file] name of the file that is the body
 * @property {string} [form] name of the file that is the field `image` of a form
 * @property {string} [data] the body itself
 * @property {boolean} [withKey] whether the service lets in whoever has a key
 */

/**
 * The command that asks what the page has asked.
 *
 * @param {string} origin of the service
 * @param {import('./ask.js').Question} question
 */
export function curlForQuestion(origin, { image, model }) {
  const query = new URLSearchParams({ model });
  if (typeof image === 'string') query.set('url', image);
  const url = `${origin}/classify?${query}`;
  if (typeof image === 'string') return curlFor({ url });
  return curlFor({ url, type: typeOf(image), file: image.name });
}

/** @param {CurlRequest} request */
export function curlFor({ url, type, file, form, data, withKey = true }) {
  const lines = [`curl ${quote(url)}`];
  // The key itself stays out of what is copied into other places.
  if (withKey && hasKey()) lines.push('-H "Authorization: Bearer $API_KEY"');
  if (type !== undefined) lines.push(`-H ${quote(`content-type: ${type}`)}`);
  if (file !== undefined) lines.push(`--data-binary ${quote(`@${file}`)}`);
  if (form !== undefined) lines.push(`-F ${quote(`image=@${form}`)}`);
  if (data !== undefined) lines.push(`-d ${quote(data)}`);
  return lines.join(' \\\n  ');
}

/**
 * For a POSIX shell.
 *
 * @param {string} word
 */
function quote(word) {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
