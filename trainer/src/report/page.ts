import { html, raw } from 'hono/html';
import type { ModelCard } from 'shared/contract/model-card';
import { formatAccuracy } from '../evaluation/format-accuracy.ts';
import { REAL_PHOTOS } from '../evaluation/measure-photos.ts';
import { metricsByClass } from '../evaluation/metrics.ts';
import { formatPercent, formatSeconds } from '../files/progress.ts';
import { printableLines } from '../printable.ts';
import { epochsOf, type LogLine, phasesOf } from '../runs/run-log.ts';
import { drawConfusionMatrix } from './plots/confusion-matrix.ts';
import { drawLearningCurves } from './plots/learning-curves.ts';
import { drawReliability } from './plots/reliability.ts';
import type { Results, ShownPrediction } from './results.ts';

type Html = ReturnType<typeof html>;

/** All that a report tells of. */
export interface RunRecord {
  readonly log: readonly LogLine[];
  /** What the run ended in; null where it is not over. */
  readonly outcome: { readonly card: ModelCard; readonly results: Results } | null;
}

/** More classes than these make too large a plot. */
const MOST_PLOTTED = 100;
/** As many as a reader looks at. */
const CONFUSED_PAIRS = 12;

/**
 * A run's report as one page that needs nothing else: no script, no network.
 *
 * @param style the style sheet
 */
export async function reportPage({ log, outcome }: RunRecord, style: string): Promise<string> {
  // The first: one that goes on says only from which run.
  const start = log.find((line) => line.event === 'start');
  const title = outcome?.card.title ?? `${start?.dataset ?? 'A run'}, not over yet`;
  const page = await html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
  <title>${title}</title>
  <style>${raw(style)}</style>
</head>
<body>
  <h1>${title}</h1>
  ${outcome && headline(outcome.card, outcome.results)}
  ${await learningCurves(log)}
  ${outcome && (await outcomeSections(outcome.card, outcome.results))}
  ${timing(log)}
  ${
    start &&
    html`<h2>How it was made</h2>
  <pre><code>${start.command}</code></pre>
  <p>${count(start.images.train)} images trained, ${count(start.images.validation)} chose the checkpoint and the
    temperature, ${count(start.images.test)} tested. Computed by ${start.backend}.</p>
  <details><summary>Every setting</summary><pre><code>${JSON.stringify(start.config, null, 2)}</code></pre></details>`
  }
  ${
    outcome &&
    html`<details><summary>The model's card</summary><pre><code>${JSON.stringify(outcome.card, null, 2)}</code></pre></details>`
  }
</body>
</html>
`;
  return printableLines(page.toString());
}

function headline(card: ModelCard, { quantized }: Results): Html {
  const onPhotos = card.accuracy.find(({ dataset }) => dataset === REAL_PHOTOS);
  return html`<p class="quiet">Model <code>${card.id}</code>, ${card.created.slice(0, 10)}</p>
  <dl class="figures">
    ${figure('Top-1', formatAccuracy(quantized), `of ${count(quantized.images)} test images, as served`)}
    ${quantized.top5 !== null && figure('Top-5', formatPercent(quantized.top5), 'the right class among five')}
    ${onPhotos && figure('Real photos', formatPercent(onPhotos.quantized ?? onPhotos.float32), `of ${count(onPhotos.images)}, as served`)}
    ${figure('Calibration error', formatPercent(quantized.ece), 'between confidence and accuracy')}
    ${figure('Trained in', formatSeconds(card.training?.seconds ?? 0), 'both stages')}
    ${figure('Weights', megabytes(card.quantization.bytes), `${count(card.architecture.parameters)} parameters`)}
  </dl>`;
}

const figure = (name: string, value: string, note: string): Html =>
  html`<div><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`;

async function learningCurves(log: readonly LogLine[]): Promise<Html | null> {
  if (epochsOf(log).length === 0) return null;
  const { loss, accuracy } = await drawLearningCurves(log);
  const stage1 = log.findLast((line) => line.event === 'stage-1-test');
  return html`<h2>Learning curves</h2>
  <p>Stage 1 trains the new head alone, stage 2 fine-tunes. Augmentation and dropout make the training loss
    higher than it would be on the plain images.${
      stage1 &&
      html` After stage 1, ${formatPercent(stage1.accuracy)} of the test images were right.`
    }</p>
  <div class="plots">
    ${plot('Loss', loss, 'Cross-entropy by epoch')}
    ${plot('Validation accuracy', accuracy, 'Top-1 accuracy of the validation images by epoch')}
  </div>`;
}

async function outcomeSections(card: ModelCard, results: Results): Promise<Html> {
  const labels = card.labels.map(({ name }) => name);
  return html`<h2>What was taken for what</h2>
  <div class="plots">
    ${
      labels.length <= MOST_PLOTTED &&
      plot(
        'Confusion matrix',
        await drawConfusionMatrix(results.confusion, labels),
        'Test images by actual and predicted class',
        { isWide: labels.length > 12 },
      )
    }
    ${confusedPairs(results, labels)}
  </div>
  <h2>By class</h2>
  ${classTable(results, labels)}
  <h2>Calibration</h2>
  ${await calibration(card, results)}
  <h2>The most confident mistakes</h2>
  ${
    results.mistakes.length === 0
      ? html`<p>None: every test image was right.</p>`
      : html`<div class="images">${results.mistakes.map((answer) => image(answer, labels))}</div>`
  }
  <h2>Some answers</h2>
  <p>${results.sample.length} test images drawn by chance: actual / predicted.</p>
  <div class="images grid-5">${results.sample.map((answer) => image(answer, labels))}</div>
  <h2>Float against quantized</h2>
  ${quantization(card, results)}`;
}

function confusedPairs({ confusion }: Results, labels: readonly string[]): Html | null {
  const pairs = confusion
    .flatMap((counts, actual) => counts.map((images, predicted) => ({ actual, predicted, images })))
    .filter(({ actual, predicted, images }) => actual !== predicted && images > 0)
    .sort((a, b) => b.images - a.images)
    .slice(0, CONFUSED_PAIRS);
  if (pairs.length === 0) return null;
  return html`<figure class="plot"><h3>Most often</h3><table>
  <thead><tr><th scope="col">actual</th><th scope="col">taken for</th><th scope="col" class="number">images</th></tr></thead>
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

async function calibration(card: ModelCard, results: Results): Promise<Html> {
  const { quantized, uncalibrated } = results;
  const temperature = card.calibration?.temperature ?? 1;
  const caption = ({ ece, logLoss }: Results['quantized']) =>
    html`Calibration error ${formatPercent(ece)}, log loss ${logLoss.toFixed(4)}`;
  return html`<p>Of the answers with a confidence of 80 %, 80 % should be right: bars that end on the line. Red is
    missing, so these answers are too sure; amber is beyond, so they could be surer. Paler bars stand for
    fewer images. The temperature ${temperature.toFixed(3)}, chosen on the validation images, divides
    the logits. It changes no answer, and is in the exported weights.</p>
  <div class="plots">
    ${plot('Before', await drawReliability(uncalibrated), 'Reliability diagram without the temperature', { caption: caption(uncalibrated) })}
    ${plot('After, as served', await drawReliability(quantized), 'Reliability diagram with the temperature', { caption: caption(quantized) })}
  </div>`;
}

function quantization(card: ModelCard, { float32, quantized, changed }: Results): Html {
  const rows: [string, string, string][] = [
    ['top-1', formatPercent(float32.top1), formatPercent(quantized.top1)],
    ['log loss', float32.logLoss.toFixed(4), quantized.logLoss.toFixed(4)],
    ['calibration error', formatPercent(float32.ece), formatPercent(quantized.ece)],
    ['weights', megabytes(4 * card.architecture.parameters), megabytes(card.quantization.bytes)],
  ];
  if (float32.top5 !== null && quantized.top5 !== null) {
    rows.splice(1, 0, ['top-5', formatPercent(float32.top5), formatPercent(quantized.top5)]);
  }
  const { scheme, arithmetic } = card.quantization;
  const served = arithmetic === 'int8' ? `${scheme}, computed in int8` : scheme;
  return html`<p>Quantization changed ${count(changed)} of ${count(quantized.images)} answers.</p>
  <div class="scroll"><table>
  <thead><tr><td></td><th scope="col" class="number">float32</th><th scope="col" class="number">${served}</th></tr></thead>
  <tbody>${rows.map(
    ([name, float, quantized]) => html`
    <tr><th scope="row">${name}</th><td class="number">${float}</td><td class="number">${quantized}</td></tr>`,
  )}
  </tbody></table></div>`;
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
    <tr><th scope="row">In all</th><td class="number">${formatSeconds(total)}</td><td class="bar"></td></tr>
  </tbody></table></div>`;
}

/** @param isWide scrolled where it does not fit, rather than shrunk */
function plot(
  title: string,
  svg: string,
  description: string,
  { isWide = false, caption }: { isWide?: boolean; caption?: Html } = {},
): Html {
  return html`<figure class="plot ${isWide && 'wide'}"><h3>${title}</h3>
    <div role="img" aria-label="${description}" ${isWide && raw('tabindex="0"')}>${raw(svg)}</div>
    ${caption && html`<figcaption>${caption}</figcaption>`}
  </figure>`;
}

function image(
  { image, actual, predicted, probability }: ShownPrediction,
  labels: readonly string[],
): Html {
  const right = actual === predicted;
  return html`<figure><img src="${image}" alt="${labels[actual]}">
    <figcaption>${labels[actual]} / <span class="${right ? 'right' : 'wrong'}">${labels[predicted]}</span><br>
      ${percent(probability)}</figcaption></figure>`;
}

function bar(share: number): Html {
  return html`<span style="--share: ${share.toFixed(4)}"></span>`;
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)}\u00a0%`;
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
