import { sendFeedback } from './ask.js';
import { element } from './element.js';

const form = element('wrong', HTMLFormElement);
const label = element('right-label', HTMLInputElement);
const note = element('wrong-note', HTMLParagraphElement);

/** The name of the image that is shown, where the service keeps it. @type {string | undefined} */
let id;

/**
 * Asks what the image shows, where the service keeps it.
 *
 * @param {string | undefined} feedback its name
 * @param {readonly string[]} labels that are suggested
 */
export function showFeedback(feedback, labels) {
  id = feedback;
  form.hidden = id === undefined;
  form.reset();
  note.textContent = '';
  element('right-labels', HTMLDataListElement).replaceChildren(
    ...labels.map((name) => new Option(name)),
  );
}

export function hideFeedback() {
  showFeedback(undefined, []);
}

/** Says what becomes of images where the service keeps some. */
export function showThatImagesAreKept() {
  element('storing', HTMLSpanElement).textContent =
    'Images are classified; some that the model doubts are kept for a while, to make it better.';
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const asked = id;
  if (asked === undefined) return;
  note.textContent = 'Sending …';
  const said = await sendFeedback(asked, label.value.trim()).then(
    () => 'Thank you.',
    (error) => (error instanceof Error ? error.message : 'It could not be sent.'),
  );
  if (asked === id) note.textContent = said;
});
