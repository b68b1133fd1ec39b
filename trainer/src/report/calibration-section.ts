import { html } from 'hono/html';
import type { ModelCard } from 'shared/contract/model-card';
import type { Reliability } from '../evaluation/metrics.ts';
import { formatPercent } from '../files/progress.ts';
import { count, type Html, percent, plot } from './figures.ts';
import { drawReliability } from './plots/reliability.ts';

/** What the probabilities are worth, before and after calibration. */
export async function calibration(
  card: ModelCard,
  { quantized, uncalibrated }: Readonly<Record<'quantized' | 'uncalibrated', Reliability>>,
): Promise<Html> {
  const caption = ({ ece, logLoss }: Reliability) =>
    html`Calibration error ${formatPercent(ece)}, log loss ${logLoss.toFixed(4)}`;
  return html`<p>Of the predictions with a confidence of 80 %, 80 % should be correct: then a bar ends on the diagonal. Red
    marks overconfidence, amber underconfidence; paler bars stand for fewer images. ${
      card.calibration
        ? html`The logits are divided by the temperature ${card.calibration.temperature.toFixed(3)}, fitted to the validation
    images. It changes no prediction, and is part of the exported weights.`
        : 'The logits are not calibrated: that needs validation images.'
    }</p>
  <div class="plots">
    ${plot('Uncalibrated', await drawReliability(uncalibrated), 'Reliability diagram before temperature scaling', { caption: caption(uncalibrated) })}
    ${plot('Calibrated, as served', await drawReliability(quantized), 'Reliability diagram after temperature scaling', { caption: caption(quantized) })}
  </div>`;
}

/** How well the model tells that an image shows none of its classes. */
export function unknownImages({ knownScore }: ModelCard): Html | null {
  if (!knownScore) return null;
  return html`<h2>Unknown images</h2>
  <p>The model says of an image that it shows none of the classes where its score is below a threshold, which keeps
    ${formatPercent(knownScore.keep)} of the validation images.</p>
  <div class="scroll"><table>
  <thead><tr><th scope="col">unknown images</th><th scope="col" class="number">images</th>
    <th scope="col" class="number">AUROC</th><th scope="col" class="number">let through</th>
    <th scope="col" class="number">known kept</th></tr></thead>
  <tbody>${knownScore.measured.map(
    ({ unknown, images, auroc, letThrough, kept }) => html`
    <tr><th scope="row">${unknown}</th><td class="number">${count(images)}</td><td class="number">${auroc.toFixed(3)}</td>
      <td class="number">${percent(letThrough)}</td><td class="number">${percent(kept)}</td></tr>`,
  )}
  </tbody></table></div>`;
}
