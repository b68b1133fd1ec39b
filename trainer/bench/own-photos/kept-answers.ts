import { appendFile, readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

/**
 * The answers of some methods for a draw: from a file of lines of JSON where it has them; otherwise measured, and
 * appended to it, so that an interrupted series of cells goes on where it stopped.
 */
export async function keptAnswers<Answers extends { readonly method: string }>(
  file: string | undefined,
  cell: object,
  methods: readonly string[],
  measure: () => Promise<Answers[]>,
): Promise<Answers[]> {
  const lines = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '');
  const known = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly cell: object; readonly answers: Answers })
    .filter(
      (found) => isDeepStrictEqual(found.cell, cell) && methods.includes(found.answers.method),
    );
  if (known.length === methods.length) return known.map(({ answers }) => answers);
  const measured = await measure();
  for (const answers of file === undefined ? [] : measured) {
    await appendFile(file as string, `${JSON.stringify({ cell, answers })}\n`);
  }
  return measured;
}
