import { cp, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ModelCard } from 'shared/contract/model-card';

/**
 * Writes a copy of a model that is computed otherwise.
 *
 * @param to its folder, whose name is its id
 */
export async function copyWithArithmetic(
  from: string,
  to: string,
  arithmetic: ModelCard['quantization']['arithmetic'],
): Promise<void> {
  await cp(from, to, { recursive: true });
  const path = join(to, 'model.json');
  const { userDefinedMetadata, ...model } = JSON.parse(await readFile(path, 'utf8'));
  const { card } = userDefinedMetadata;
  const quantization = { ...card.quantization, arithmetic };
  const metadata = { ...userDefinedMetadata, card: { ...card, id: basename(to), quantization } };
  await writeFile(path, JSON.stringify({ ...model, userDefinedMetadata: metadata }));
}
