import { html } from 'hono/html';
import type { ModelCard } from 'shared/contract/model-card';
import { calibration, unknownImages } from './calibration-section.ts';
import { type Html, megabytes } from './figures.ts';
import type { LabelResults } from './label-results.ts';
import type { Results } from './results.ts';

interface Shown<I> {
  /** The most confident mistakes, and a random sample. */
  readonly mistakes: readonly I[];
  readonly sample: readonly I[];
  show(image: I): Html;
  /** What is said where there are no mistakes, of those that there are, and of the sample. */
  readonly noMistakes: string;
  readonly ofMistakes?: Html | string | false;
  readonly ofSample: string;
}

/** How well the probabilities are calibrated, what unknown images get, and images with their predictions. */
export async function imageSections<I>(
  card: ModelCard,
  results: Results | LabelResults,
  { mistakes, sample, show, noMistakes, ofMistakes, ofSample }: Shown<I>,
): Promise<Html> {
  return html`<h2>Calibration</h2>
  ${await calibration(card, results)}
  ${unknownImages(card)}
  <h2>Most confident mistakes</h2>
  ${
    mistakes.length === 0
      ? html`<p>${noMistakes}</p>`
      : html`${ofMistakes && html`<p>${ofMistakes}</p>`}
  <div class="images">${mistakes.map(show)}</div>`
  }
  <h2>Sample predictions</h2>
  <p>${ofSample}</p>
  <div class="images grid-5">${sample.map(show)}</div>`;
}

/**
 * @param changed what quantization changed, in a sentence
 * @param rows metrics before and after it
 */
export function quantizationSection(
  { architecture, quantization }: ModelCard,
  changed: string,
  rows: readonly (readonly [name: string, float32: string, served: string])[],
): Html {
  const { scheme, arithmetic, bytes } = quantization;
  const served = arithmetic === 'int8' ? `${scheme}, computed in int8` : scheme;
  const weights = ['weights', megabytes(4 * architecture.parameters), megabytes(bytes)] as const;
  return html`<h2>Effect of quantization</h2>
  <p>${changed}</p>
  <div class="scroll"><table>
  <thead><tr><td></td><th scope="col" class="number">float32</th><th scope="col" class="number">${served}</th></tr></thead>
  <tbody>${[...rows, weights].map(
    ([name, float, served]) => html`
    <tr><th scope="row">${name}</th><td class="number">${float}</td><td class="number">${served}</td></tr>`,
  )}
  </tbody></table></div>`;
}
