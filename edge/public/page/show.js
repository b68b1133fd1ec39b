import { ServiceError } from './ask.js';
import { element } from './element.js';

/** @param {string} id */
const byId = (id) => element(id, HTMLElement);

const status = byId('status');
const problem = byId('problem');
const predictions = byId('predictions');
const details = byId('details');

const percent = new Intl.NumberFormat('en', { style: 'percent', minimumFractionDigits: 1 });
const megabytes = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** Labels that are named in a sentence; of more, as many stand for all. */
const LABELS_IN_SENTENCE = 12;
const SAMPLE = 6;

const list = new Intl.ListFormat('en');

/** @param {string} subject what is being classified */
export function showWaiting(subject) {
  status.textContent = `Classifying ${subject} …`;
  problem.hidden = true;
  predictions.setAttribute('aria-busy', 'true');
  document.body.dataset['state'] = 'waiting';
}

/**
 * @param {number} done
 * @param {number} count of images
 */
export function showProgress(done, count) {
  status.textContent = `Classifying images: ${done} of ${count} …`;
}

/**
 * @param {number} count of images
 * @param {number} refused how many of them could not be classified
 */
export function showSummary(count, refused) {
  const refusals = refused > 0 ? `; ${refused} could not be` : '';
  status.textContent = `${count - refused} images classified${refusals}`;
  predictions.hidden = true;
  predictions.removeAttribute('aria-busy');
  details.hidden = true;
  finish('answered');
}

/**
 * @param {import('./ask.js').Reply} reply
 * @param {{ curl: string, link: string | undefined }} again how to ask the same
 */
export function showReply({ answer, stages, totalMs }, { curl, link }) {
  const isUnknown = answer.known === false;
  status.textContent = isUnknown ? 'None of these, most likely' : inWords(answer);
  problem.hidden = true;
  predictions.replaceChildren(...answer.predictions.map(predictionItem));
  predictions.classList.toggle('doubtful', isUnknown);
  predictions.hidden = false;
  predictions.removeAttribute('aria-busy');

  const { width, height, format, bytes } = answer.image;
  byId('timing').replaceChildren(
    ...stages.flatMap(({ name, ms }) => term(name, formatMs(ms))),
    ...term('in total, from this page', formatMs(totalMs)),
    ...term('image', `${width} × ${height} ${format.toUpperCase()}, ${formatBytes(bytes)}`),
  );
  byId('curl').textContent = curl;
  byId('share').hidden = link === undefined;
  details.hidden = false;
  finish('answered');
}

/** @param {import('./ask.js').ClassifyAnswer} answer */
function inWords(answer) {
  if (answer.multiLabel) return labelsInWords(answer);
  const [first] = answer.predictions;
  if (!first) return 'The model made no prediction.';
  return `${nameOf(first.label)}, ${percent.format(first.probability)}`;
}

/**
 * The labels of an image that may have several.
 *
 * @param {import('./ask.js').ClassifyAnswer} answer
 */
export function labelsInWords({ predictions }) {
  if (predictions.length === 0) return 'None of the labels';
  return list.format(predictions.map(({ label }) => nameOf(label)));
}

/** @param {unknown} error */
export function showProblem(error) {
  const title = document.createElement('strong');
  const isKnown = error instanceof ServiceError;
  title.textContent = isKnown ? error.title : 'The service cannot be reached';
  const text = isKnown ? error.message : 'Check the connection, and try again.';
  problem.replaceChildren(title, ` ${text}`);
  problem.hidden = false;
  status.textContent = '';
  predictions.hidden = true;
  predictions.removeAttribute('aria-busy');
  details.hidden = true;
  finish('failed');
}

/** @param {'answered' | 'failed'} state */
function finish(state) {
  document.body.dataset['state'] = state;
  // On a phone it stands below the image.
  byId('answer').scrollIntoView({ block: 'nearest' });
}

/** @param {import('./ask.js').ModelsAnswer['models'][number]} model */
export function showModel({ classes, size, bytes, accuracy }) {
  const facts = [
    `${classes.toLocaleString('en')} labels`,
    `${size} × ${size} pixels`,
    formatBytes(bytes),
  ];
  for (const { dataset, source, measure, quantized, float32 } of accuracy) {
    const what = measure === 'mAP' ? 'mean average precision' : 'correct';
    facts.push(`${percent.format(quantized ?? float32)} ${what} on ${dataset} (${source})`);
  }
  byId('model-facts').textContent = facts.join(' · ');
}

/**
 * Between which labels the model decides, since it knows nothing else of the world.
 *
 * @param {readonly string[]} labels
 * @param {{ tellsUnknown: boolean, isMultiLabel: boolean }} model whether it says that an image shows none of
 *   them, and whether it gives an image several
 */
export function showLabels(labels, { tellsUnknown, isMultiLabel }) {
  const names = labels.map(nameOf);
  const isShort = names.length <= LABELS_IN_SENTENCE;
  const sample = isShort
    ? names
    : names.filter((_, i) => i % Math.ceil(names.length / SAMPLE) === 0);
  const count = `${names.length.toLocaleString('en')} labels`;
  byId('classes').textContent =
    `This model gives every image ${isMultiLabel ? 'all that fit' : 'one'} of its ${count}${isShort ? ': ' : ', such as '}` +
    `${list.format(sample)}. ${ofAnythingElse(tellsUnknown, isMultiLabel)}`;
  const all = byId('labels');
  all.hidden = isShort;
  const [summary, items] = all.children;
  if (summary) summary.textContent = `All ${count}`;
  items?.replaceChildren(
    ...names.map((name) => Object.assign(document.createElement('li'), { textContent: name })),
  );
}

/**
 * @param {boolean} tellsUnknown
 * @param {boolean} isMultiLabel
 */
function ofAnythingElse(tellsUnknown, isMultiLabel) {
  if (tellsUnknown) {
    return 'Of an image of anything else it says that it is none of them, as far as it can tell.';
  }
  return isMultiLabel
    ? 'An image of anything else should get none of them, but may.'
    : 'An image of anything else gets one of them too.';
}

/** @param {import('./ask.js').ClassifyAnswer['predictions'][number]} prediction */
function predictionItem({ label, probability }) {
  const item = document.createElement('li');
  const name = document.createElement('span');
  name.className = 'label';
  name.textContent = nameOf(label);
  const share = document.createElement('span');
  share.className = 'share';
  share.textContent = formatProbability(probability);
  const bar = document.createElement('span');
  bar.className = 'bar';
  bar.style.setProperty('--share', `${probability}`);
  bar.setAttribute('aria-hidden', 'true');
  item.append(name, ' ', share, bar);
  return item;
}

/**
 * @param {string} name
 * @param {string} value
 */
function term(name, value) {
  const dt = document.createElement('dt');
  dt.textContent = name;
  const dd = document.createElement('dd');
  dd.textContent = value;
  return [dt, dd];
}

/** @param {number} probability */
export function formatProbability(probability) {
  return percent.format(probability);
}

/** @param {string} label as the data set spells it, `Egyptian_cat` */
export function nameOf(label) {
  return label.replaceAll('_', ' ');
}

/** @param {number} ms */
function formatMs(ms) {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** @param {number} bytes */
function formatBytes(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${megabytes.format(bytes / 1e6)} MB`;
}
