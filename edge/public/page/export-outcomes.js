import { nameOfSource } from './ask.js';

/** Predictions that a row has room for at least: as many as the service gives unasked. */
const TOP = 5;

/**
 * A row an image: what it is, the model, whether it is known and its score, its labels with their
 * probabilities, or the problem.
 *
 * @param {readonly import('./many.js').Outcome[]} outcomes
 * @returns {string} CSV as RFC 4180 has it
 */
export function toCsv(outcomes) {
  const counts = outcomes.map((outcome) =>
    'reply' in outcome ? outcome.reply.answer.predictions.length : 0,
  );
  const ranks = Array.from({ length: Math.max(TOP, ...counts) }, (_, i) => i);
  const head = ['image', 'model', 'version', 'known', 'score'];
  for (const rank of ranks) head.push(`label_${rank + 1}`, `probability_${rank + 1}`);
  const rows = outcomes.map((outcome) => {
    const answer = 'reply' in outcome ? outcome.reply.answer : undefined;
    const row = [
      nameOfSource(outcome.image),
      answer?.model.id,
      answer?.model.version,
      answer?.known?.toString(),
      answer?.score?.toString(),
    ];
    for (const rank of ranks) {
      const prediction = answer?.predictions[rank];
      row.push(prediction?.label, prediction?.probability.toString());
    }
    return [...row, 'problem' in outcome ? outcome.problem.message : ''];
  });
  return [[...head, 'problem'], ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** @param {readonly import('./many.js').Outcome[]} outcomes */
export function toJson(outcomes) {
  const list = outcomes.map((outcome) =>
    'reply' in outcome
      ? { image: nameOfSource(outcome.image), answer: outcome.reply.answer }
      : {
          image: nameOfSource(outcome.image),
          problem: { code: outcome.problem.code, detail: outcome.problem.message },
        },
  );
  return `${JSON.stringify(list, null, 2)}\n`;
}

/**
 * @param {string} name of the file
 * @param {string} type
 * @param {string} text
 */
export function download(name, type, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @param {string | undefined} text */
function cell(text = '') {
  // Spreadsheets take such a beginning for a formula, and a file may have any name.
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
