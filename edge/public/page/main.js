import { classify, listModels, loadCard, nameOfSource, ServiceError } from './ask.js';
import { copyOnClick } from './copy.js';
import { curlForQuestion } from './curl.js';
import { element } from './element.js';
import { hideExplanation, offerExplanation } from './explain.js';
import { hideFeedback, showFeedback, showThatImagesAreKept } from './feedback.js';
import { askForKey, startKeyForm } from './key.js';
import { classifyMany } from './many.js';
import { hidePreview, showCrop, showPreview } from './preview.js';
import { linkFor, readLink } from './share-link.js';
import { showLabels, showModel, showProblem, showReply, showWaiting } from './show.js';
import { finishTable, hideTable, startTable } from './table.js';
import { takeImages } from './take-images.js';

const url = element('url', HTMLInputElement);
const model = element('model', HTMLSelectElement);

/** What was asked of last. @type {readonly import('./ask.js').ImageSource[]} */
let images = [];
let running = new AbortController();

/** @param {readonly import('./ask.js').ImageSource[]} chosen files or urls */
async function ask(chosen) {
  images = chosen;
  running.abort();
  running = new AbortController();
  const { signal } = running;
  hideTable();
  hideFeedback();
  hideExplanation();
  try {
    const [only, ...others] = chosen;
    if (only === undefined) return;
    if (others.length === 0) await askOne(only, signal);
    else await askMany(chosen, signal);
  } catch (error) {
    if (signal.aborted) return;
    showProblem(error);
    if (error instanceof ServiceError && error.code === 'unauthorized') askForKey();
  }
}

/**
 * @param {import('./ask.js').ImageSource} image
 * @param {AbortSignal} signal
 */
async function askOne(image, signal) {
  showPreview(image);
  showWaiting(typeof image === 'string' ? 'the image at that address' : image.name);
  // The visitor may be faster than the list of models.
  await ready;
  const question = { image, model: model.value };
  // Before the answer, so that what is refused can be reloaded as well.
  history.replaceState(null, '', linkFor(question));
  const reply = await classify(question, signal);
  if (!signal.aborted) await show(question, reply);
}

/**
 * @param {readonly import('./ask.js').ImageSource[]} chosen
 * @param {AbortSignal} signal
 */
async function askMany(chosen, signal) {
  hidePreview(`${chosen.length} images`);
  showWaiting(`${chosen.length} images`);
  await ready;
  const asked = model.value;
  history.replaceState(null, '', linkFor({ image: new File([], ''), model: asked }));
  const onOutcome = startTable(chosen, asked, (outcome) => {
    showPreview(outcome.image);
    hideFeedback();
    if ('problem' in outcome) showProblem(outcome.problem);
    else show({ image: outcome.image, model: asked }, outcome.reply).catch(showProblem);
  });
  await classifyMany(chosen, asked, signal, (outcome, index) => {
    if (!signal.aborted) onOutcome(outcome, index);
  });
  if (!signal.aborted) finishTable();
}

/**
 * @param {import('./ask.js').Question} question
 * @param {import('./ask.js').Reply} reply
 */
async function show(question, reply) {
  showReply(reply, {
    curl: curlForQuestion(location.origin, question),
    link: typeof question.image === 'string' ? linkFor(question) : undefined,
  });
  const { preprocess, labels } = await cardOf(question.model);
  const { signal } = running;
  offerExplanation(() => classify({ ...question, explain: true }, signal));
  showCrop(preprocess);
  showFeedback(
    reply.answer.feedback,
    labels.map(({ name }) => name),
  );
}

element('url-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  const urls = url.value.trim().split(/\s+(?=https?:\/\/)/i);
  if (urls[0] === '') url.focus();
  else ask(urls);
});

takeImages((chosen) => {
  if (typeof chosen[0] === 'string') url.value = chosen.map(nameOfSource).join(' ');
  ask(chosen);
});

model.addEventListener('change', () => {
  showChosenModel().catch(showProblem);
  if (images.length > 0) ask(images);
});

startKeyForm(() => {
  if (images.length > 0) ask(images);
});

copyOnClick(
  element('copy', HTMLButtonElement),
  () => element('curl', HTMLElement).textContent ?? '',
);
copyOnClick(element('share', HTMLButtonElement), () => location.href);

/** @type {Map<string, Promise<import('./ask.js').ModelCard>>} */
const cards = new Map();

/** @param {string} reference */
function cardOf(reference) {
  const card = cards.get(reference) ?? loadCard(reference);
  cards.set(reference, card);
  card.catch(() => cards.delete(reference));
  return card;
}

async function showChosenModel() {
  const { value } = model;
  const chosen = models.find(({ id }) => id === value.split('@', 1)[0]);
  if (chosen) showModel(chosen);
  const { labels, knownScore, multiLabel } = await cardOf(value);
  if (model.value !== value) return;
  showLabels(
    labels.map(({ name }) => name),
    { tellsUnknown: knownScore !== undefined, isMultiLabel: multiLabel !== undefined },
  );
}

/** @type {import('./ask.js').ModelsAnswer['models']} */
let models = [];

const link = readLink();

/** @returns whether the link's model is one of them, if it names one */
async function loadModels() {
  const answer = await listModels();
  models = answer.models;
  if (answer.feedback) showThatImagesAreKept();
  model.replaceChildren(...models.map(({ id, title }) => new Option(`${title} (${id})`, id)));
  model.value = answer.default;
  const isKnown = link.model === null || chooseModel(link.model);
  await showChosenModel();
  return isKnown;
}

/**
 * Chooses what a link names, if this service has it.
 *
 * @param {string} wanted an id, or id@version
 */
function chooseModel(wanted) {
  const [id, version] = wanted.split('@', 2);
  const known = models.find((listed) => listed.id === id);
  if (!known || (version !== undefined && !known.versions.includes(version))) return false;
  if (version !== undefined) model.append(new Option(`${known.title} (${wanted})`, wanted));
  model.value = wanted;
  return true;
}

/** @param {boolean} isKnown whether the link's model is one that this service has */
function followLink(isKnown) {
  if (link.url !== null) url.value = link.url;
  if (!isKnown) {
    throw new ServiceError(
      'Unknown model',
      `The link names the model ${link.model}, which this service does not have; choose another one.`,
    );
  }
  // What the visitor has chosen meanwhile goes first.
  if (link.url !== null && images.length === 0) ask([link.url]);
}

const ready = loadModels();
ready.then(followLink).catch(showProblem);
