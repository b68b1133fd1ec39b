// One image at a time, a key for each decision. Served by serve-review.ts, below a path with a token.
import { virtualList } from './virtual-list.js';

/** @param {string} id */
const $ = (id) => /** @type {any} */ (document.getElementById(id));
const ROW = 64;

const data = await (await fetch('data.json')).json();
const { images, labels, isMultiLabel } = data;
document.title = `Review of ${data.folder.split(/[/\\]/).at(-1)}`;
const lists = data.lists.filter((list) => list.entries.length > 0);
let list = lists[0];
let place = 0;
/** What was decided in this page, for undo. */
const history = [];
/** Decisions are sent one after the other. */
let sending = Promise.resolve();

const virtual = virtualList($('list'), $('rows'), ROW, renderRow);
const entry = () => list?.entries[place];

for (const { kind, entries } of lists) {
  $('kind').append(new Option(`${kind} (${entries.length})`, kind));
}
if (isMultiLabel) {
  $('classes').setAttribute('aria-label', 'Labels of the image');
  $('move-title').textContent = 'Add or remove the label';
  $('move-ok').textContent = 'Change';
}
for (const label of labels) $('class-names').append(new Option(label, label));

function renderRow(at) {
  const { image, note } = list.entries[at];
  const { file, verdict } = images[image];
  const row = document.createElement('button');
  row.type = 'button';
  row.tabIndex = -1;
  row.className = 'row';
  row.setAttribute('aria-current', String(at === place));
  const thumbnail = new Image(48, 48);
  thumbnail.alt = '';
  thumbnail.src = `thumbnail/${image}`;
  const text = document.createElement('span');
  text.append(make('b', file), make('small', verdict ? wordsOf(verdict) : note));
  if (verdict) row.classList.add('decided');
  row.append(thumbnail, text);
  row.addEventListener('click', () => go(at));
  return row;
}

function make(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function wordsOf(verdict) {
  if (verdict.decision === 'move') return `moved to ${verdict.to}`;
  if (verdict.decision === 'labels') return `labels: ${verdict.labels.join(', ') || 'none'}`;
  return verdict.decision;
}

/** The names of an image's labels after what is decided. */
function namesOf({ labels: own, given, verdict }) {
  if (verdict?.decision === 'move') return [verdict.to];
  if (verdict?.decision === 'labels') return verdict.labels;
  return (own ?? (isMultiLabel ? given : [])).map((one) => labels[one]);
}

function show() {
  const now = entry();
  for (const id of ['right', 'duplicate', 'no-photo', 'skip']) $(id).disabled = !now;
  if (!now) {
    $('about').textContent = 'There is nothing to look at.';
    return;
  }
  const image = images[now.image];
  const { top, verdict } = image;
  $('about').textContent = list.about;
  $('image').src = `image/${now.image}`;
  $('image').alt = image.file;
  caption($('caption'), image);
  $('other').hidden = now.of === undefined && now.mapOf === undefined;
  if (now.of !== undefined) {
    const other = images[now.of];
    $('other-image').src = `image/${now.of}`;
    $('other-image').alt = other.file;
    caption($('other-caption'), other);
  }
  if (now.mapOf !== undefined) {
    $('other-image').src = `map/${now.image}`;
    $('other-image').alt = '';
    $('other-caption').textContent = `What speaks for ${now.mapOf}`;
  }
  $('note').textContent = verdict ? `Decided: ${wordsOf(verdict)}.` : now.note;
  $('duplicate').hidden = $('right').hidden = false;
  $('right').hidden = image.labels === null && top.length === 0 && !isMultiLabel;
  showClasses(image);
  const done = list.entries.filter(({ image }) => images[image].verdict).length;
  $('progress').textContent = `${place + 1} of ${list.entries.length}, ${done} decided`;
  $('undo').disabled = history.length === 0;
  virtual.reveal(place);
}

function caption(element, { file, labels: own, split }) {
  const names = own?.map((one) => labels[one]).join(', ') || 'no label';
  element.replaceChildren(make('b', own === null ? 'no label yet' : names));
  element.append(` ${file}`, split ? ` (${split})` : '');
}

/** The likeliest other classes, or the most doubtful labels, each with a digit, and all others. */
function showClasses(image) {
  const { labels: own, top } = image;
  const names = namesOf(image);
  const likely = top.filter(([one]) => isMultiLabel || !own?.includes(one)).slice(0, 5);
  const buttons = likely.map(([one, probability], at) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(make('kbd', at + 1), ` ${labels[one]} `);
    button.append(make('small', probability === null ? '' : `${Math.round(100 * probability)} %`));
    if (isMultiLabel) button.setAttribute('aria-pressed', String(names.includes(labels[one])));
    button.addEventListener('click', () => choose(labels[one]));
    return button;
  });
  const other = document.createElement('button');
  other.type = 'button';
  other.append(make('kbd', 'm'), isMultiLabel ? ' another label …' : ' another class …');
  other.addEventListener('click', askClass);
  $('classes').replaceChildren(...buttons, other);
}

function go(to) {
  place = Math.max(0, Math.min(to, list.entries.length - 1));
  $('problem').textContent = '';
  show();
  virtual.redraw();
  // The next image is there when it is asked for.
  const next = list.entries[place + 1];
  if (next) new Image().src = `image/${next.image}`;
}

/** @param stays whether the same image is shown next, since it may have more labels */
function decide(verdict, stays = false) {
  const now = entry();
  if (!now) return;
  history.push({ list, place, image: now.image, before: images[now.image].verdict });
  send(now.image, verdict);
  go(stays ? place : place + 1);
}

/** Moves the image to a class; of several labels, gives it one or takes it away. */
function choose(name) {
  const image = images[entry().image];
  const before = image.labels?.map((one) => labels[one]);
  if (!isMultiLabel) {
    decide(before?.includes(name) ? { decision: 'right' } : { decision: 'move', to: name });
    return;
  }
  const now = new Set(namesOf(image));
  if (!now.delete(name)) now.add(name);
  const chosen = labels.filter((one) => now.has(one));
  const isRight = before?.join('\n') === chosen.join('\n');
  decide(isRight ? { decision: 'right' } : { decision: 'labels', labels: chosen }, true);
}

/** That the labels are right as they are shown; of an image without a label, that the prediction is right. */
function right() {
  const { labels: own, top, given, verdict } = images[entry().image];
  if (verdict?.decision === 'labels') go(place + 1);
  else if (own !== null) decide({ decision: 'right' });
  else if (isMultiLabel) decide({ decision: 'labels', labels: given.map((one) => labels[one]) });
  else choose(labels[top[0][0]]);
}

function undo() {
  const last = history.pop();
  if (!last) return;
  list = last.list;
  $('kind').value = list.kind;
  virtual.reset(list.entries.length);
  send(last.image, last.before);
  go(last.place);
}

function send(image, verdict) {
  const before = images[image].verdict;
  images[image].verdict = verdict;
  showCounts();
  sending = sending.then(async () => {
    try {
      const response = await fetch('decide', {
        method: 'POST',
        body: JSON.stringify({ image, verdict }),
      });
      if (!response.ok) throw new Error(await response.text());
    } catch (error) {
      images[image].verdict = before;
      $('problem').textContent = `Not saved: ${error.message}`;
      showCounts();
      virtual.redraw();
    }
  });
}

function showCounts() {
  const before = labels.map(() => 0);
  const after = labels.map(() => 0);
  for (const image of images) {
    for (const label of image.labels ?? []) before[label] += 1;
    const { decision } = image.verdict ?? {};
    if (decision === 'duplicate' || decision === 'not a photo') continue;
    if (image.labels === null && !decision) continue;
    for (const label of namesOf(image).map((name) => labels.indexOf(name))) {
      if (label >= 0) after[label] += 1;
    }
  }
  const thin = new Set(data.thin.map(({ label }) => label));
  $('count-rows').replaceChildren(
    ...labels.map((label, at) => {
      const row = document.createElement('tr');
      row.append(make('td', thin.has(at) ? `${label} (few images: add some)` : label));
      for (const count of [before[at], after[at]]) {
        const cell = make('td', count);
        cell.className = 'number';
        row.append(cell);
      }
      return row;
    }),
  );
}

function askClass() {
  $('class-name').value = '';
  $('move').showModal();
}

// Before the dialog closes: the next key may open it again before it has said that it did.
$('move').firstElementChild.addEventListener('submit', ({ submitter }) => {
  if (submitter.value !== 'ok') return;
  const typed = $('class-name').value.trim().toLowerCase();
  const found =
    labels.find((label) => label.toLowerCase() === typed) ??
    labels.find((label) => label.toLowerCase().startsWith(typed));
  if (typed && found) choose(found);
  else $('problem').textContent = `There is no class ${typed}.`;
});
$('kind').addEventListener('change', () => {
  list = lists.find(({ kind }) => kind === $('kind').value);
  virtual.reset(list.entries.length);
  go(0);
  $('kind').blur();
});

const actions = {
  r: right,
  d: () => decide({ decision: 'duplicate' }),
  n: () => decide({ decision: 'not a photo' }),
  s: () => go(place + 1),
  u: undo,
  m: askClass,
  ArrowRight: () => go(place + 1),
  ArrowDown: () => go(place + 1),
  j: () => go(place + 1),
  ArrowLeft: () => go(place - 1),
  ArrowUp: () => go(place - 1),
  k: () => go(place - 1),
};
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $('move').open) return;
  if (event.target instanceof HTMLSelectElement || !entry()) return;
  const digit = /^[1-5]$/.test(event.key)
    ? $('classes').children[Number(event.key) - 1]
    : undefined;
  if (digit?.querySelector('small')) digit.click();
  else if (Object.hasOwn(actions, event.key)) actions[event.key]();
  else return;
  event.preventDefault();
});
for (const [id, key] of [
  ['right', 'r'],
  ['duplicate', 'd'],
  ['no-photo', 'n'],
  ['skip', 's'],
  ['undo', 'u'],
]) {
  $(id).addEventListener('click', actions[key]);
}

if (list) {
  virtual.reset(list.entries.length);
  go(0);
} else show();
showCounts();
document.body.dataset.ready = 'yes';
