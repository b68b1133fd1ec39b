import { classify, listModels } from './ask.js';
import { curlFor } from './curl.js';
import { showModel, showProblem, showReply, showWaiting } from './show.js';

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 */
function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} #${id}.`);
  return found;
}

const drop = element('drop', HTMLLabelElement);
const file = element('file', HTMLInputElement);
const preview = element('preview', HTMLImageElement);
const url = element('url', HTMLInputElement);
const model = element('model', HTMLSelectElement);
const copy = element('copy', HTMLButtonElement);

/** @type {File | string | undefined} */
let image;
let running = new AbortController();

/** @param {File | string} chosen a file or a url */
async function ask(chosen) {
  if (chosen !== image) showPreview(chosen);
  image = chosen;
  running.abort();
  running = new AbortController();
  const { signal } = running;
  showWaiting(typeof chosen === 'string' ? 'the image at that address' : chosen.name);
  try {
    // The visitor may be faster than the list of models.
    await ready;
    const question = { image: chosen, model: model.value };
    const reply = await classify(question, signal);
    if (!signal.aborted) showReply(reply, curlFor(location.origin, question));
  } catch (error) {
    if (!signal.aborted) showProblem(error);
  }
}

/** @param {File | string} chosen */
function showPreview(chosen) {
  if (preview.src.startsWith('blob:')) URL.revokeObjectURL(preview.src);
  preview.src = typeof chosen === 'string' ? chosen : URL.createObjectURL(chosen);
  preview.alt = typeof chosen === 'string' ? 'The image at that address' : chosen.name;
  setHasPreview(true);
}

/** @param {boolean} hasPreview */
function setHasPreview(hasPreview) {
  preview.hidden = !hasPreview;
  element('invitation', HTMLSpanElement).hidden = hasPreview;
  element('change', HTMLSpanElement).hidden = !hasPreview;
}

// What only the service can see, such as a page's address, it will tell.
preview.addEventListener('error', () => setHasPreview(false));

file.addEventListener('change', () => {
  const [chosen] = file.files ?? [];
  if (chosen) ask(chosen);
  // So that the same file can be chosen again.
  file.value = '';
});

element('url-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  if (url.value.trim() === '') url.focus();
  else ask(url.value.trim());
});

model.addEventListener('change', () => {
  showChosenModel();
  if (image !== undefined) ask(image);
});

/**
 * A file, or else a link, that was dropped or pasted.
 *
 * @param {DataTransfer | null} transfer
 */
function take(transfer) {
  const [dropped] = transfer?.files ?? [];
  const text = transfer?.getData('text/uri-list') || transfer?.getData('text/plain') || '';
  const [link = ''] = text.trim().split(/\s+/);
  if (dropped) ask(dropped);
  else if (/^https?:\/\//i.test(link)) {
    url.value = link;
    ask(link);
  }
}

document.addEventListener('paste', (event) => {
  const isTyping = event.target instanceof HTMLInputElement && event.target.type === 'url';
  const hasFile = (event.clipboardData?.files.length ?? 0) > 0;
  if (!isTyping || hasFile) take(event.clipboardData);
});

// Anywhere on the page, or the browser would leave it for the image.
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  drop.classList.add('over');
});
document.addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) drop.classList.remove('over');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  take(event.dataTransfer);
});

for (const button of document.querySelectorAll('button[data-example]')) {
  button.addEventListener('click', async () => {
    const path = button.getAttribute('data-example') ?? '';
    const blob = await (await fetch(path)).blob();
    ask(new File([blob], path.split('/').at(-1) ?? '', { type: blob.type }));
  });
}

copy.addEventListener('click', async () => {
  await navigator.clipboard.writeText(element('curl', HTMLElement).textContent ?? '');
  copy.textContent = 'Copied';
  setTimeout(() => {
    copy.textContent = 'Copy';
  }, 2000);
});

function showChosenModel() {
  const chosen = models.find(({ id }) => id === model.value);
  if (chosen) showModel(chosen);
}

async function loadModels() {
  const answer = await listModels();
  models = answer.models;
  model.replaceChildren(
    ...models.map(({ id, title }) => {
      const label = `${title} (${id})`;
      return new Option(label, id, false, id === answer.default);
    }),
  );
  showChosenModel();
}

/** @type {import('./ask.js').ModelsAnswer['models']} */
let models = [];
const ready = loadModels();
ready.catch(showProblem);
