import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ModelCard, modelCard } from 'shared/contract/model-card';
import { writeFileAtomically } from '../files/write-atomically.ts';
import { readRunLog } from '../runs/run-log.ts';
import type { LabelResults } from './label-results.ts';
import { type Results, readResults, resultsIn } from './results.ts';

/** Writes the result of a run, `card.json` and `results.json`, beside its log. */
export async function saveOutcome(
  directory: string,
  card: ModelCard,
  results: Results | LabelResults,
): Promise<void> {
  await writeFileAtomically(cardIn(directory), `${JSON.stringify(card, null, 2)}\n`);
  await writeFileAtomically(resultsIn(directory), `${JSON.stringify(results)}\n`);
}

/**
 * Writes a run's `report.html`.
 *
 * @returns the report's path
 * @throws TrainerError `run_invalid`
 */
export async function writeReport(directory: string): Promise<string> {
  const path = join(directory, 'report.html');
  await writeFileAtomically(path, await renderReport(directory, false));
  return path;
}

/**
 * A run's report, made from its log and, once it is finished, its card and results.
 *
 * @param isLive whether it updates itself, as `live/serve-report.ts` serves it
 * @throws TrainerError `run_invalid`
 */
export async function renderReport(directory: string, isLive: boolean): Promise<string> {
  const log = await readRunLog(directory);
  const results = await readResults(directory);
  const outcome = results && { card: await readCard(directory), results };
  const styles = ['theme.css', 'page.css'].map((name) =>
    readFile(fileURLToPath(new URL(name, import.meta.url)), 'utf8'),
  );
  const style = (await Promise.all(styles)).join('\n');
  // Imported late: the plotting library takes a quarter of a second to load.
  const { reportPage } = await import('./page.ts');
  return reportPage({ log, outcome }, style, isLive);
}

/** The card that a run's model got. */
export async function readCard(directory: string): Promise<ModelCard> {
  return modelCard.parse(JSON.parse(await readFile(cardIn(directory), 'utf8')));
}

function cardIn(directory: string): string {
  return join(directory, 'card.json');
}
