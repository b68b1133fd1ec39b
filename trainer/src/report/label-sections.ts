import { html } from 'hono/html';
import type { ModelCard } from 'shared/contract/model-card';
import { formatPercent, formatSeconds } from '../files/progress.ts';
import { bar, count, figure, type Html, megabytes, percent } from './figures.ts';
import type { LabelResults, ShownLabels } from './label-results.ts';
import { imageSections, quantizationSection } from './test-image-sections.ts';

/** The report's head, of a model of several labels an image. */
export function labelHeadline(card: ModelCard, { quantized }: LabelResults): Html {
  const { images, meanAveragePrecision, f1Micro, f1Macro, exactMatch, hamming, ece } = quantized;
  return html`<p class="quiet">Model <code>${card.id}</code>, ${card.created.slice(0, 10)}</p>
  <dl class="figures">
    ${figure('Mean average precision', formatPercent(meanAveragePrecision), `on ${count(images)} test images, as served`)}
    ${figure('F1, micro', formatPercent(f1Micro), 'of all labels of all images')}
    ${figure('F1, macro', formatPercent(f1Macro), "mean of the labels' F1")}
    ${figure('Exact match', formatPercent(exactMatch), 'images of which every label is right')}
    ${figure('Hamming loss', formatPercent(hamming), 'of all labels that are wrong')}
    ${figure('Calibration error', formatPercent(ece), 'expected (ECE), between probability and frequency')}
    ${figure('Trained in', formatSeconds(card.training?.seconds ?? 0), 'both stages')}
    ${figure('Weights', megabytes(card.quantization.bytes), `${count(card.architecture.parameters)} parameters`)}
  </dl>`;
}

export async function labelSections(card: ModelCard, results: LabelResults): Promise<Html> {
  const names = card.labels.map(({ name }) => name);
  return html`<h2>Metrics by label</h2>
  <p>${whereThresholdsAreFrom(card)} Average precision needs no threshold.</p>
  ${labelTable(results, names)}
  ${await imageSections(card, results, {
    ...results,
    show: (shown) => image(shown, names),
    noMistakes: 'None: every label of every test image was predicted correctly.',
    ofMistakes: 'Labels that were missed are struck out, those that are wrong in colour.',
    ofSample: `${results.sample.length} random test images.`,
  })}
  ${quantization(card, results)}`;
}

function whereThresholdsAreFrom({ multiLabel }: ModelCard): string {
  const images = multiLabel?.images ?? 0;
  return images > 0
    ? `An image has a label where its probability reaches the label's threshold, which has the highest F1 on ${count(images)} validation images.`
    : 'An image has a label where its probability reaches one half: other thresholds need validation images.';
}

function labelTable({ quantized, thresholds }: LabelResults, names: readonly string[]): Html {
  return html`<div class="scroll"><table class="classes">
  <thead><tr><th scope="col">label</th><th scope="col" class="number">images</th>
    <th scope="col" class="number">average precision</th><th scope="col" class="number">threshold</th>
    <th scope="col" class="number">precision</th><th scope="col" class="number">recall</th>
    <th scope="col" class="number">F1</th><td class="bar"></td></tr></thead>
  <tbody>${quantized.labels.map(
    ({ images, averagePrecision, precision, recall, f1 }, label) => html`
    <tr><th scope="row">${names[label]}</th><td class="number">${count(images)}</td>
      <td class="number">${averagePrecision === null ? '–' : percent(averagePrecision)}</td>
      <td class="number">${(thresholds[label] ?? 0).toFixed(2)}</td>
      ${[precision, recall, f1].map((share) => html`<td class="number">${images > 0 ? percent(share) : '–'}</td>`)}
      <td class="bar">${bar(f1)}</td></tr>`,
  )}
  </tbody></table></div>`;
}

function image({ image, actual, predicted }: ShownLabels, names: readonly string[]): Html {
  const nameOf = (label: number) => names[label] ?? '';
  const missed = actual.filter((label) => !predicted.includes(label));
  const shown = [
    ...predicted.map(
      (label) =>
        html`<span class="${actual.includes(label) ? 'right' : 'wrong'}">${nameOf(label)}</span> `,
    ),
    ...missed.map((label) => html`<s>${nameOf(label)}</s> `),
  ];
  return html`<figure><img src="${image}" alt="${actual.map(nameOf).join(', ') || 'no label'}">
    <figcaption>${shown.length > 0 ? shown : 'no label'}</figcaption></figure>`;
}

function quantization(card: ModelCard, { float32, quantized, changed }: LabelResults): Html {
  const said = `Quantization changed the labels of ${count(changed)} of ${count(quantized.images)} images.`;
  return quantizationSection(card, said, [
    [
      'mean average precision',
      formatPercent(float32.meanAveragePrecision),
      formatPercent(quantized.meanAveragePrecision),
    ],
    ['F1, micro', formatPercent(float32.f1Micro), formatPercent(quantized.f1Micro)],
    ['log loss', float32.logLoss.toFixed(4), quantized.logLoss.toFixed(4)],
  ]);
}
