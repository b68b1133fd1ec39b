/**
 * What a link to this page asks: `?url=…&model=…`.
 *
 * @returns {{ url: string | null, model: string | null }}
 */
export function readLink() {
  const query = new URLSearchParams(location.search);
  return { url: query.get('url'), model: query.get('model') };
}

/**
 * The link that asks this again. A file has none, since it is on the visitor's machine.
 *
 * @param {import('./ask.js').Question} question
 */
export function linkFor({ image, model }) {
  const query = new URLSearchParams({ ...(typeof image === 'string' && { url: image }), model });
  return `${location.origin}${location.pathname}?${query}`;
}
