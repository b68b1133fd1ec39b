/**
 * The command that asks what the page has asked.
 *
 * @param {string} origin of the service
 * @param {import('./ask.js').Question} question
 */
export function curlFor(origin, { image, model }) {
  const query = new URLSearchParams({ model });
  if (typeof image === 'string') {
    query.set('url', image);
    return `curl ${quote(`${origin}/classify?${query}`)}`;
  }
  const file = `@${image.name}`;
  const type = `content-type: ${image.type || 'application/octet-stream'}`;
  return [
    `curl ${quote(`${origin}/classify?${query}`)}`,
    `  -H ${quote(type)}`,
    `  --data-binary ${quote(file)}`,
  ].join(' \\\n');
}

/**
 * For a POSIX shell.
 *
 * @param {string} word
 */
function quote(word) {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
