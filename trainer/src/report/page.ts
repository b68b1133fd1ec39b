import { html, raw } from 'hono/html';
import type { ModelCard } from 'shared/contract/model-card';
import { formatInterval } from '../evaluation/format-accuracy.ts';
import { REAL_PHOTOS } from '../evaluation/measure-photos.ts';
import { metricsByClass } from '../evaluation/metrics.ts';
import { formatPercent, formatSeconds } from '../files/progress.ts';
import { printableLines } from '../printable.ts';
import { epochsOf, type LogLine, phasesOf, stepsOf } from '../runs/run-log.ts';
import { bar, count, figure, type Html, megabytes, percent, plot } from './figures.ts';
import type { LabelResults } from './label-results.ts';
import { labelHeadline, labelSections } from './label-sections.ts';
import { mapOpacities } from './map-opacities.ts';
import { drawConfusionMatrix } from './plots/confusion-matrix.ts';
import { drawLearningCurves } from './plots/learning-curves.ts';
import { epochTable, progressSection, validatedIn } from './progress-section.ts';
import { isLabelResults, type Results, type ShownPrediction } from './results.ts';
import { imageSections, quantizationSection } from './test-image-sections.ts';

/** The content of a report. */
export interface RunRecord {
  readonly log: readonly LogLine[];
  /** The result of the run; null while it is unfinished. */
  readonly outcome: {
    readonly card: ModelCard;
    readonly results: Results | LabelResults;
  } | null;
}

/** The confusion matrix is not plotted for more classes. */
const MOST_PLOTTED = 100;
/** Rows in the table of most confused pairs. */
const CONFUSED_PAIRS = 12;

/**
 * Renders a run's report as one self-contained page, without scripts or network requests.
 *
 * @param style the style sheet
 * @param isLive whether it has the script that updates it, which `live/serve-report.ts` serves
 */
export async function reportPage(
  { log, outcome }: RunRecord,
  style: string,
  isLive: boolean,
): Promise<string> {
  // The first start event: later ones are of resumed sessions, whose command names only the run.
  const start = log.find((line) => line.event === 'start');
  const title = outcome?.card.title ?? `${start?.dataset ?? 'A run'}, unfinished`;
  const page = await html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:${isLive && raw("; script-src 'self'; connect-src 'self'")}">
  <title>${title}</title>
  <style>${raw(style)}</style>
  ${isLive && html`<script type="module" src="/live.js"></script>`}
</head>
<body>
  ${isLive && html`<p id="live" class="quiet" role="status"></p>`}
  <main>
  <h1>${title}</h1>
  ${outcome ? headlineOf(outcome) : progressSection(log)}
  ${await learningCurves(log)}
  ${outcome && (await sectionsOf(outcome))}
  ${timing(log)}
  ${
    start &&
    html`<h2>Command and recipe</h2>
  <pre><code>${start.command}</code></pre>
  <p>${count(start.images.train)} training images; ${
    start.images.validation > 0
      ? html`${count(start.images.validation)} validation images, which chose the checkpoint and the temperature`
      : 'no validation images, since a class has few: the last weights were kept'
  }; ${count(start.images.test)} test images. Backend: ${start.backend}.</p>
  <details><summary>Recipe</summary><pre><code>${JSON.stringify(start.config, null, 2)}</code></pre></details>`
  }
  ${
    outcome &&
    html`<details><summary>Model card</summary><pre><code>${JSON.stringify(outcome.card, null, 2)}</code></pre></details>`
  }
  </main>
</body>
</html>
`;
  return printableLines(page.toString());
}

type Outcome = NonNullable<RunRecord['outcome']>;

function headlineOf({ card, results }: Outcome): Html {
  return isLabelResults(results) ? labelHeadline(card, results) : headline(card, results);
}

function sectionsOf({ card, results }: Outcome): Promise<Html> {
  return isLabelResults(results) ? labelSections(card, results) : outcomeSections(card, results);
}

function headline(card: ModelCard, { quantized }: Results): Html {
  const onPhotos = card.accuracy.find(({ dataset }) => dataset === REAL_PHOTOS);
  return html`<p class="quiet">Model <code>${card.id}</code>, ${card.created.slice(0, 10)}</p>
  <dl class="figures">
    ${figure('Top-1', formatPercent(quantized.top1), accuracyNote(quantized))}
    ${quantized.top5 !== null && figure('Top-5', formatPercent(quantized.top5), 'label among the five most probable classes')}
    ${onPhotos && figure('Real photos', formatPercent(onPhotos.quantized ?? onPhotos.float32), `of ${count(onPhotos.images)}, as served`)}
    ${figure('Calibration error', formatPercent(quantized.ece), 'expected (ECE), between confidence and accuracy')}
    ${figure('Trained in', formatSeconds(card.training?.seconds ?? 0), 'both stages')}
    ${figure('Weights', megabytes(card.quantization.bytes), `${count(card.architecture.parameters)} parameters`)}
  </dl>`;
}

function accuracyNote(quantized: Results['quantized']): string {
  const interval = formatInterval(quantized);
  return `on ${count(quantized.images)} test images, as served${interval && `; ${interval}`}`;
}

async function learningCurves(log: readonly LogLine[]): Promise<Html | null> {
  if (stepsOf(log).length === 0) return null;
  const { loss, accuracy } = await drawLearningCurves(log);
  const stage1 = log.findLast((line) => line.event === 'stage-1-test');
  const validated = validatedIn(log);
  return html`<h2>Learning curves</h2>
  <p>Stage 1 trains the new head only; stage 2 fine-tunes the network. Augmentation and dropout raise the training
    loss above that of the plain images.${
      stage1 && html` Test ${validated} after stage 1: ${formatPercent(stage1.accuracy)}.`
    }</p>
  <div class="plots">
    ${plot('Loss', loss, 'Cross-entropy by epoch')}
    ${epochsOf(log).length > 0 && plot(`Validation ${validated}`, accuracy, `Validation ${validated} by epoch`)}
  </div>
  ${epochTable(log)}`;
}

async function outcomeSections(card: ModelCard, results: Results): Promise<Html> {
  const labels = card.labels.map(({ name }) => name);
  return html`<h2>Confusion matrix</h2>
  <div class="plots">
    ${
      labels.length <= MOST_PLOTTED &&
      plot(
        'All classes',
        await drawConfusionMatrix(results.confusion, labels),
        'Confusion matrix: test images by label and predicted class',
        { isWide: labels.length > 12 },
      )
    }
    ${confusedPairs(results, labels)}
  </div>
  <h2>Metrics by class</h2>
  ${classTable(results, labels)}
  ${await imageSections(card, results, {
    ...results,
    show: (shown) => image(shown, labels),
    noMistakes: 'None: every test image was predicted correctly.',
    ofMistakes:
      results.mistakes.some(({ map }) => map) &&
      html`<label><input type="checkbox" class="maps"> Show which parts speak for the predicted class</label>`,
    ofSample: `${results.sample.length} random test images: label / prediction, and its probability.`,
  })}
  ${quantization(card, results)}`;
}

function confusedPairs({ confusion }: Results, labels: readonly string[]): Html | null {
  const pairs = confusion
    .flatMap((counts, actual) => counts.map((images, predicted) => ({ actual, predicted, images })))
    .filter(({ actual, predicted, images }) => actual !== predicted && images > 0)
    .sort((a, b) => b.images - a.images)
    .slice(0, CONFUSED_PAIRS);
  if (pairs.length === 0) return null;
  return html`<figure class="plot"><h3>Most confused pairs</h3><table>
  <thead><tr><th scope="col">label</th><th scope="col">predicted as</th><th scope="col" class="number">images</th></tr></thead>
  <tbody>${pairs.map(
    ({ actual, predicted, images }) => html`
    <tr><td>${labels[actual]}</td><td>${labels[predicted]}</td><td class="number">${count(images)}</td></tr>`,
  )}
  </tbody></table></figure>`;
}

function classTable({ confusion }: Results, labels: readonly string[]): Html {
  const rows = metricsByClass(confusion).map((metrics, label) => ({
    ...metrics,
    name: labels[label],
  }));
  return html`<div class="scroll"><table class="classes">
  <thead><tr><th scope="col">class</th><th scope="col" class="number">images</th>
    <th scope="col" class="number">precision</th><th scope="col" class="number">recall</th>
    <th scope="col" class="number">F1</th><td class="bar"></td></tr></thead>
  <tbody>${rows.map(
    ({ name, images, precision, recall, f1 }) => html`
    <tr><th scope="row">${name}</th><td class="number">${count(images)}</td>
      ${[precision, recall, f1].map((share) => html`<td class="number">${images > 0 ? percent(share) : '–'}</td>`)}
      <td class="bar">${bar(f1)}</td></tr>`,
  )}
  </tbody></table></div>`;
}

function quantization(card: ModelCard, { float32, quantized, changed }: Results): Html {
  const said = `Quantization changed ${count(changed)} of ${count(quantized.images)} predictions.`;
  const top5 =
    float32.top5 !== null && quantized.top5 !== null
      ? ([['top-5', formatPercent(float32.top5), formatPercent(quantized.top5)]] as const)
      : [];
  return quantizationSection(card, said, [
    ['top-1', formatPercent(float32.top1), formatPercent(quantized.top1)],
    ...top5,
    ['log loss', float32.logLoss.toFixed(4), quantized.logLoss.toFixed(4)],
    ['calibration error', formatPercent(float32.ece), formatPercent(quantized.ece)],
  ]);
}

function timing(log: readonly LogLine[]): Html {
  const phases = phasesOf(log);
  const total = phases.reduce((sum, { seconds }) => sum + seconds, 0);
  return html`<h2>Time</h2>
  <div class="scroll"><table><tbody>${phases.map(
    ({ phase, seconds }) => html`
    <tr><th scope="row">${phase}</th><td class="number">${formatSeconds(seconds)}</td>
      <td class="bar">${bar(seconds / total)}</td></tr>`,
  )}
    <tr><th scope="row">Total</th><td class="number">${formatSeconds(total)}</td><td class="bar"></td></tr>
  </tbody></table></div>`;
}

function image(
  { image, actual, predicted, probability, map }: ShownPrediction,
  labels: readonly string[],
): Html {
  const right = actual === predicted;
  return html`<figure><img src="${image}" alt="${labels[actual]}">${map && activations(map)}
    <figcaption>${labels[actual]} / <span class="${right ? 'right' : 'wrong'}">${labels[predicted]}</span><br>
      ${percent(probability)}</figcaption></figure>`;
}

/** Over the image, the brighter the more a part speaks for the prediction. */
function activations({ rows, columns, values }: NonNullable<ShownPrediction['map']>): Html {
  return html`<svg class="map" viewBox="0 0 ${columns} ${rows}" preserveAspectRatio="none" aria-hidden="true">${mapOpacities(
    values,
  ).map(
    (opacity, at) =>
      html`<rect x="${at % columns}" y="${Math.floor(at / columns)}" width="1" height="1" fill-opacity="${opacity.toFixed(2)}"/>`,
  )}</svg>`;
}
