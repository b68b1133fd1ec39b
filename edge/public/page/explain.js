import { element } from './element.js';
import { drawMap } from './preview.js';
import { nameOf } from './show.js';

const button = element('why', HTMLButtonElement);
const note = element('why-note', HTMLParagraphElement);

/** Asks the same again, with an explanation. @type {(() => Promise<import('./ask.js').Reply>) | undefined} */
let ask;
/** Of the labels after the one that is shown. @type {readonly Explanation[]} */
let next = [];

/** @typedef {NonNullable<import('./ask.js').ClassifyAnswer['explanation']>} Explanation */

/**
 * Offers to say why the image has its first label, or one label after the other where it may have several.
 *
 * @param {(() => Promise<import('./ask.js').Reply>) | undefined} explain asks for it
 */
export function offerExplanation(explain) {
  ask = explain;
  show(undefined, '');
}

export function hideExplanation() {
  offerExplanation(undefined);
}

/**
 * @param {Explanation | undefined} explanation
 * @param {string} text
 */
function show(explanation, text) {
  drawMap(explanation);
  button.setAttribute('aria-pressed', `${explanation !== undefined}`);
  note.textContent = text;
}

/** @param {readonly Explanation[]} explanations of which the first is shown */
function showFirst([explanation, ...others]) {
  next = others;
  if (!explanation) {
    show(undefined, 'There is no explanation.');
    return;
  }
  const after = others[0] && ` Press again for ${nameOf(others[0].label)}.`;
  const text = `The brighter a part of the image, the more it speaks for ${nameOf(explanation.label)}.`;
  show(explanation, `${text}${after ?? ''}`);
}

button.addEventListener('click', async () => {
  if (button.getAttribute('aria-pressed') === 'true') {
    if (next.length > 0) showFirst(next);
    else show(undefined, '');
    return;
  }
  const asked = ask;
  if (!asked) return;
  note.textContent = 'Looking …';
  try {
    const { explanation, explanations = explanation ? [explanation] : [] } = (await asked()).answer;
    if (asked === ask) showFirst(explanations);
  } catch (error) {
    if (asked === ask) show(undefined, error instanceof Error ? error.message : '');
  }
});
