import { html } from 'hono/html';
import { stretchStage } from '../config/stage-length.ts';
import { trainConfig } from '../config/train-config.ts';
import { formatPercent, formatSeconds } from '../files/progress.ts';
import { epochsOf, type LogLine, stepsOf } from '../runs/run-log.ts';
import { figure, type Html } from './figures.ts';

/** What a run's accuracy is called. */
export function validatedIn(log: readonly LogLine[]): string {
  const isMultiLabel = log.some((line) => line.event === 'start' && line.multiLabel);
  return isMultiLabel ? 'mean average precision' : 'accuracy';
}

/** Where an unfinished run is: its stage, epoch and step, and what it has reached. */
export function progressSection(log: readonly LogLine[]): Html | null {
  const epochs = epochsOf(log);
  const step = stepsOf(log).at(-1);
  const start = log.findLast((line) => line.event === 'start');
  if (step === undefined || start === undefined) {
    return html`<p class="quiet">Reading the images and computing features; the first epoch has not begun.</p>`;
  }
  const { stage, epoch } = step;
  const config = trainConfig.safeParse(start.config).data;
  const planned =
    config && stretchStage(stage === 1 ? config.stage1 : config.stage2, start.images.train).epochs;
  const ofStage = epochs.filter((line) => line.stage === stage);
  const latest = epochs.at(-1);
  const best = epochs.reduce(
    (most, line) => (!most || line.validation.accuracy > most.validation.accuracy ? line : most),
    latest,
  );
  return html`<dl class="figures">
    ${figure(
      `Stage ${stage} of 2`,
      `epoch ${epoch}${planned ? ` of ${planned}` : ''}`,
      ofStage.at(-1)?.epoch === epoch ? 'complete' : `step ${step.step} of ${step.of}`,
    )}
    ${figure('Training loss', step.loss.toFixed(4), 'mean of the latest steps')}
    ${latest && figure('Validation', formatPercent(latest.validation.accuracy), `after epoch ${latest.epoch} of stage ${latest.stage}`)}
    ${best && figure('Best so far', formatPercent(best.validation.accuracy), `after epoch ${best.epoch} of stage ${best.stage}`)}
    ${latest && figure('Trained for', formatSeconds(latest.seconds), 'both stages')}
  </dl>`;
}

/** A row an epoch; null before the first is complete. */
export function epochTable(log: readonly LogLine[]): Html | null {
  const epochs = epochsOf(log);
  if (epochs.length === 0) return null;
  return html`<details><summary>Every epoch</summary><div class="scroll"><table>
  <thead><tr><th scope="col">stage</th><th scope="col">epoch</th><th scope="col" class="number">training loss</th>
    <th scope="col" class="number">validation loss</th><th scope="col" class="number">validation ${validatedIn(log)}</th>
    <th scope="col" class="number">time</th></tr></thead>
  <tbody>${epochs.map(
    ({ stage, epoch, loss, validation, seconds }) => html`
    <tr><td>${stage}</td><td>${epoch}</td><td class="number">${loss.toFixed(4)}</td>
      <td class="number">${validation.loss.toFixed(4)}</td><td class="number">${formatPercent(validation.accuracy)}</td>
      <td class="number">${formatSeconds(seconds)}</td></tr>`,
  )}
  </tbody></table></div></details>`;
}
