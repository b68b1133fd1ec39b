import { copyOnClick } from './copy.js';
import { curlFor } from './curl.js';
import { element } from './element.js';
import { askForKey, authorization, hasKey, startKeyForm } from './key.js';

/** What helps to understand an answer. */
const SHOWN_HEADERS = ['content-type', 'server-timing', 'retry-after', 'x-request-id'];

startKeyForm(() => {
  element('key-note', HTMLParagraphElement).textContent = hasKey()
    ? 'Requests carry the key until you close this tab.'
    : 'Requests carry no key.';
});
element('key-form', HTMLFormElement).hidden = false;

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (
  document.querySelectorAll('form.try')
)) {
  const [button] = form.getElementsByTagName('button');
  if (button) button.hidden = false;
  form.addEventListener('change', () => offerFieldOfType(form));
  offerFieldOfType(form);
  let running = new AbortController();
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    running.abort();
    running = new AbortController();
    send(form, running.signal);
  });
}

/**
 * Of a body that is a file or JSON, offers the field for the type chosen.
 *
 * @param {HTMLFormElement} form
 */
function offerFieldOfType(form) {
  const type = new FormData(form).get('type');
  if (type === null) return;
  const isJson = type === 'application/json';
  for (const field of form.querySelectorAll('[name="body"]')) {
    const isOffered = field instanceof HTMLTextAreaElement === isJson;
    Object.assign(field, { hidden: !isOffered, disabled: !isOffered });
  }
}

/**
 * Sends what a form says, and shows the answer below it.
 *
 * @param {HTMLFormElement} form
 * @param {AbortSignal} signal
 */
async function send(form, signal) {
  const { url, init, curl } = requestOf(form);
  const result = resultOf(form);
  result.state.textContent = 'Sending …';
  result.shown.hidden = true;
  const start = performance.now();
  try {
    const response = await fetch(url, { ...init, signal });
    const text = await response.text();
    const ms = Math.round(performance.now() - start);
    result.state.textContent = `${response.status} ${response.statusText}, ${ms} ms`;
    result.headers.textContent = SHOWN_HEADERS.filter((name) => response.headers.has(name))
      .map((name) => `${name}: ${response.headers.get(name)}`)
      .join('\n');
    result.body.textContent = indent(text);
    result.curl.textContent = curl;
    result.shown.hidden = false;
    if (response.status === 401) askForKey();
  } catch {
    if (signal.aborted) return;
    result.state.textContent = 'The service cannot be reached; check the connection and try again.';
  }
}

/**
 * @param {HTMLFormElement} form
 * @returns {{ url: string, init: RequestInit, curl: string }}
 */
function requestOf(form) {
  const { method = 'GET', path: template = '', keyed } = form.dataset;
  const query = new URLSearchParams();
  let path = template;
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (
    form.querySelectorAll('[data-in]')
  )) {
    if (input.value === '') continue;
    if (input.dataset['in'] === 'query') query.set(input.name, input.value);
    else path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
  }
  const url = `${location.origin}${path}${query.size > 0 ? `?${query}` : ''}`;
  const withKey = keyed === 'yes';
  const headers = withKey ? authorization() : {};
  const { body, type, curl } = bodyOf(form);
  return {
    url,
    init: {
      method,
      headers: { ...headers, ...(type && { 'content-type': type }) },
      ...(body !== undefined && { body }),
    },
    curl: curlFor({ url, withKey, ...(type && { type }), ...curl }),
  };
}

/**
 * @param {HTMLFormElement} form
 * @returns {{ body?: BodyInit, type?: string, curl?: Partial<import('./curl.js').CurlRequest> }}
 */
function bodyOf(form) {
  const fields = new FormData(form);
  const value = fields.get('body');
  if (value === null) return {};
  if (typeof value === 'string') {
    return { body: value, type: 'application/json', curl: { data: value } };
  }
  if (fields.get('type') === 'multipart/form-data') {
    const body = new FormData();
    body.set('image', value);
    // The browser adds the boundary.
    return { body, curl: { form: value.name } };
  }
  const type = `${fields.get('type')}`;
  return { body: value, type, curl: { file: value.name } };
}

/** @typedef {{ state: Element, shown: HTMLElement, headers: Element, body: Element, curl: Element }} Result */

/** @type {WeakMap<HTMLFormElement, Result>} */
const results = new WeakMap();

/**
 * Where a form's answer is shown; made for its first one.
 *
 * @param {HTMLFormElement} form
 */
function resultOf(form) {
  const known = results.get(form);
  if (known) return known;
  const state = Object.assign(document.createElement('p'), { className: 'state', role: 'status' });
  const shown = Object.assign(document.createElement('div'), { className: 'result' });
  const [headers, body, curl] = ['Headers', 'Body', 'The same from a terminal'].map((title) => {
    const code = document.createElement('code');
    const pre = Object.assign(document.createElement('pre'), { tabIndex: 0 });
    pre.append(code);
    shown.append(Object.assign(document.createElement('h3'), { textContent: title }), pre);
    return code;
  });
  if (!headers || !body || !curl) throw new Error('An answer has three parts.');
  const copy = Object.assign(document.createElement('button'), {
    type: 'button',
    className: 'button',
    textContent: 'Copy',
  });
  copyOnClick(copy, () => curl.textContent ?? '');
  shown.append(copy);
  form.append(state, shown);
  const result = { state, shown, headers, body, curl };
  results.set(form, result);
  return result;
}

/**
 * JSON on lines of its own, and anything else, such as lines of JSON, as it came.
 *
 * @param {string} text
 */
function indent(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
