import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const docs = fileURLToPath(new URL('.', import.meta.url));
export const root = join(docs, '..');

/** The pages of the site, from the folder `docs`. */
export const sitePages: readonly string[] = (await readdir(docs, { recursive: true })).filter(
  (file) => file.endsWith('.md') && !file.includes('node_modules'),
);

/** All pages with commands, from the root. */
export const pages: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'create/template/README.md',
  ...sitePages.map((page) => `docs/${page}`),
];

/** What a command that is written within a sentence begins with. */
const PROGRAM =
  /^(npx|npm|pnpm|graft|wrangler|curl|node|pip|python3?|docker|sudo|printf|cp|npm_\w+=\S+) /;

/**
 * The commands of a page in their order: lines of its `sh` blocks, lines with a prompt, and code within
 * sentences that begins with the name of a program.
 *
 * @param page from the root
 */
export async function commandsOf(page: string): Promise<string[]> {
  const text = await readFile(join(root, page), 'utf8');
  const commands: string[] = [];
  let block: string | undefined;
  for (const line of text.split('\n')) {
    const [, fence] = /^ *```(\w*)/.exec(line) ?? [];
    if (fence !== undefined) {
      block = block === undefined ? fence : undefined;
    } else if (block === 'sh' || (block === undefined && /^ {4}(npm|npx) /.test(line))) {
      commands.push(withoutComment(line));
    } else if (block === '' && line.startsWith('$ ')) {
      commands.push(line.slice(2));
    } else if (block === undefined) {
      const quoted = [...line.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
      commands.push(...quoted.filter((code) => PROGRAM.test(code)));
    }
  }
  return commands.filter(Boolean);
}

function withoutComment(line: string): string {
  return line.replace(/ {2,}# .*$/, '').trim();
}
