import { listNames } from '../files/list-names.ts';
import { formatPercent } from '../files/progress.ts';
import type { Evaluation, LabelEvaluation } from './evaluate-model.ts';
import { formatAccuracy } from './format-accuracy.ts';

/** A table for the terminal; classes without images are named below it. */
export function formatEvaluation(evaluation: Evaluation | LabelEvaluation): string {
  return 'multiLabel' in evaluation ? formatLabels(evaluation) : formatClasses(evaluation);
}

function formatClasses(evaluation: Evaluation): string {
  const { top5, logLoss, ece } = evaluation;
  const figures = [
    `top-1 ${formatAccuracy(evaluation)}`,
    ...(top5 === null ? [] : [`top-5 ${formatPercent(top5)}`]),
    `log loss ${logLoss.toFixed(4)}`,
    `calibration error ${formatPercent(ece)}`,
    `macro F1 ${formatPercent(evaluation.macroF1)}`,
    `balanced accuracy ${formatPercent(evaluation.balancedAccuracy)}`,
  ];
  const shown = evaluation.classes.filter(({ images }) => images > 0);
  const missing = evaluation.classes.filter(({ images }) => images === 0).map(({ label }) => label);
  return [
    ...titleOf(evaluation),
    figures.join(', '),
    '',
    ...table(
      ['class', 'images', 'precision', 'recall', 'F1'],
      shown.map(({ label, images, precision, recall, f1 }) => [
        ...[label, `${images}`],
        ...[precision, recall, f1].map(formatPercent),
      ]),
    ),
    ...(missing.length > 0 ? [`Without images: ${listNames(missing, 5)}.`] : []),
  ].join('\n');
}

function formatLabels(evaluation: LabelEvaluation): string {
  const { meanAveragePrecision, f1Micro, f1Macro, exactMatch, hamming, labels } = evaluation;
  const figures = [
    `mean average precision ${formatPercent(meanAveragePrecision)}`,
    `F1 micro ${formatPercent(f1Micro)}`,
    `F1 macro ${formatPercent(f1Macro)}`,
    `exact match ${formatPercent(exactMatch)}`,
    `Hamming loss ${formatPercent(hamming)}`,
    `log loss ${evaluation.logLoss.toFixed(4)}`,
    `calibration error ${formatPercent(evaluation.ece)}`,
  ];
  return [
    ...titleOf(evaluation),
    figures.join(', '),
    '',
    ...table(
      ['label', 'images', 'AP', 'threshold', 'precision', 'recall', 'F1'],
      labels.map(({ label, images, averagePrecision, threshold, precision, recall, f1 }) => [
        ...[label, `${images}`],
        averagePrecision === null ? '–' : formatPercent(averagePrecision),
        threshold.toFixed(3),
        ...[precision, recall, f1].map(formatPercent),
      ]),
    ),
  ].join('\n');
}

function titleOf({ model, dataset, split, images }: Evaluation | LabelEvaluation): string[] {
  const which = {
    test: 'its test images',
    'held out': 'those that the training had held out',
    all: 'all its images, also what the model may have trained on',
  }[split];
  return [`${model.title} (${model.id} ${model.version})`, `${dataset}, ${which}: ${images}`];
}

/** Rows below a head; the first column is of text, the others of numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const width = Math.max(5, ...rows.map(([first = '']) => first.length)) + 2;
  return all.map(
    ([first = '', ...cells]) =>
      first.padEnd(width) + cells.map((cell) => cell.padStart(11)).join(''),
  );
}
