import { element } from './element.js';
import { drawMap } from './preview.js';
import { nameOf } from './show.js';

const button = element('why', HTMLButtonElement);
const note = element('why-note', HTMLParagraphElement);

/** Asks the same again, with an explanation. @type {(() => Promise<import('./ask.js').Reply>) | undefined} */
let ask;

/**
 * Offers to say why the image has its first label.
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
 * @param {import('./ask.js').ClassifyAnswer['explanation']} explanation
 * @param {string} text
 */
function show(explanation, text) {
  drawMap(explanation);
  button.setAttribute('aria-pressed', `${explanation !== undefined}`);
  note.textContent = text;
}

button.addEventListener('click', async () => {
  if (button.getAttribute('aria-pressed') === 'true') {
    show(undefined, '');
    return;
  }
  const asked = ask;
  if (!asked) return;
  note.textContent = 'Looking …';
  try {
    const { explanation } = (await asked()).answer;
    if (asked !== ask) return;
    show(
      explanation,
      explanation
        ? `The brighter a part of the image, the more it speaks for ${nameOf(explanation.label)}.`
        : 'There is no explanation.',
    );
  } catch (error) {
    if (asked === ask) show(undefined, error instanceof Error ? error.message : '');
  }
});
