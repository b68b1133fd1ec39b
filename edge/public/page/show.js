import { ServiceError } from './ask.js';

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const status = byId('status');
const problem = byId('problem');
const predictions = byId('predictions');
const details = byId('details');

const percent = new Intl.NumberFormat('en', { style: 'percent', minimumFractionDigits: 1 });
const megabytes = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** @param {string} subject what is being looked at */
export function showWaiting(subject) {
  status.textContent = `Looking at ${subject} …`;
  problem.hidden = true;
  predictions.setAttribute('aria-busy', 'true');
  document.body.dataset['state'] = 'waiting';
}

/**
 * @param {import('./ask.js').Reply} reply
 * @param {string} curl
 */
export function showReply({ answer, stages, totalMs }, curl) {
  const [first] = answer.predictions;
  status.textContent = first
    ? `${nameOf(first.label)}, ${percent.format(first.probability)}`
    : 'The network has no answer.';
  predictions.replaceChildren(...answer.predictions.map(predictionItem));
  predictions.hidden = false;
  predictions.removeAttribute('aria-busy');

  const { width, height, format, bytes } = answer.image;
  byId('timing').replaceChildren(
    ...stages.flatMap(({ name, ms }) => term(name, formatMs(ms))),
    ...term('in all, from here', formatMs(totalMs)),
    ...term('image', `${width} × ${height} ${format.toUpperCase()}, ${formatBytes(bytes)}`),
  );
  byId('curl').textContent = curl;
  details.hidden = false;
  finish('answered');
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
  for (const { dataset, source, quantized, float32 } of accuracy) {
    facts.push(`${percent.format(quantized ?? float32)} right on ${dataset} (${source})`);
  }
  byId('model-facts').textContent = facts.join(' · ');
}

/** @param {import('./ask.js').ClassifyAnswer['predictions'][number]} prediction */
function predictionItem({ label, probability }) {
  const item = document.createElement('li');
  const name = document.createElement('span');
  name.className = 'label';
  name.textContent = nameOf(label);
  const share = document.createElement('span');
  share.className = 'share';
  share.textContent = percent.format(probability);
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

/** @param {string} label as the data set spells it, `Egyptian_cat` */
function nameOf(label) {
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
