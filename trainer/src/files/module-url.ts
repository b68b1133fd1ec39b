import { extname } from 'node:path';

/**
 * The url of a module beside this one, to start a thread or a process with: a `.ts` file in the checkout, a
 * `.js` file in the published package.
 *
 * @param name without its extension
 * @param beside `import.meta` of the module that asks
 */
export function moduleUrl(name: string, beside: ImportMeta): URL {
  return new URL(`${name}${extname(beside.filename)}`, beside.url);
}
