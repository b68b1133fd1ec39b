import { nameOfSource } from './ask.js';
import { element } from './element.js';
import { download, toCsv, toJson } from './export-outcomes.js';
import { formatProbability, labelsInWords, nameOf, showProgress, showSummary } from './show.js';

/** @typedef {import('./many.js').Outcome} Outcome */

const table = element('many', HTMLDivElement);
const rows = element('rows', HTMLTableSectionElement);
const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (table.querySelectorAll('.buttons *'));

/** In the order of the images. @type {(Outcome | undefined)[]} */
let outcomes = [];
let modelId = '';

/**
 * A row for each image, which its outcome fills.
 *
 * @param {readonly import('./ask.js').ImageSource[]} images
 * @param {string} model
 * @param {(outcome: Outcome) => void} onChoose called when a row is chosen
 * @returns {(outcome: Outcome, index: number) => void}
 */
export function startTable(images, model, onChoose) {
  outcomes = images.map(() => undefined);
  modelId = model;
  rows.replaceChildren(...images.map(waitingRow));
  for (const button of buttons) button.disabled = true;
  table.hidden = false;
  return (outcome, index) => {
    outcomes[index] = outcome;
    rows.children[index]?.replaceWith(finishedRow(outcome, onChoose));
    showProgress(outcomes.filter(Boolean).length, outcomes.length);
  };
}

export function finishTable() {
  for (const button of buttons) button.disabled = false;
  const refused = finished().filter((outcome) => 'problem' in outcome).length;
  showSummary(outcomes.length, refused);
}

export function hideTable() {
  table.hidden = true;
}

function finished() {
  return outcomes.filter((outcome) => outcome !== undefined);
}

/** @param {import('./ask.js').ImageSource} image */
function waitingRow(image) {
  const row = document.createElement('tr');
  const name = headCell();
  name.textContent = nameOfSource(image);
  row.append(name, Object.assign(document.createElement('td'), { colSpan: 2, textContent: '…' }));
  return row;
}

/**
 * @param {Outcome} outcome
 * @param {(outcome: Outcome) => void} onChoose
 */
function finishedRow(outcome, onChoose) {
  const row = document.createElement('tr');
  const name = headCell();
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = nameOfSource(outcome.image);
  button.addEventListener('click', () => {
    rows.querySelector('[aria-current]')?.removeAttribute('aria-current');
    name.setAttribute('aria-current', 'true');
    onChoose(outcome);
  });
  name.append(button);
  row.append(name);
  if ('problem' in outcome) {
    const cell = row.insertCell();
    cell.colSpan = 2;
    cell.className = 'refused';
    cell.textContent = outcome.problem.message;
    return row;
  }
  const { known, multiLabel, predictions } = outcome.reply.answer;
  if (multiLabel && known !== false) {
    const cell = row.insertCell();
    cell.colSpan = 2;
    cell.className = 'label';
    cell.textContent = labelsInWords(outcome.reply.answer);
    return row;
  }
  const [first] = known === false ? [] : predictions;
  const label = row.insertCell();
  label.className = 'label';
  label.textContent = first ? nameOf(first.label) : 'none of these';
  row.insertCell().textContent = first ? formatProbability(first.probability) : '';
  return row;
}

function headCell() {
  const cell = document.createElement('th');
  cell.scope = 'row';
  return cell;
}

element('csv', HTMLButtonElement).addEventListener('click', () => {
  download(`${modelId}.csv`, 'text/csv', toCsv(finished()));
});
element('json', HTMLButtonElement).addEventListener('click', () => {
  download(`${modelId}.json`, 'application/json', toJson(finished()));
});
