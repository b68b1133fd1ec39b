import { listNames } from '../../files/list-names.ts';
import { printable } from '../../printable.ts';
import type { LayoutOptions } from './find-splits.ts';
import type { Skipped } from './folder-reader.ts';
import type { Inspection, Notice } from './inspect-folder.ts';
import { classCounts } from './several-labels.ts';

const IMBALANCE = 5;

/** What the user should know about a folder's images before training or measuring on them, in sentences. */
export function describeProblems(
  { labels, photos, missing, notes, skipped, refused, unserved, repeats }: Inspection,
  purpose: LayoutOptions['purpose'],
): string[] {
  const isToTrain = purpose === 'training';
  const counts = classCounts(photos.train, labels.length);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const of = (kind: Inspection['repeats'][number]['kind']) =>
    repeats.filter((repeat) => repeat.kind === kind).map(({ path, of }) => `${path} = ${of}`);
  const skippedAs = (why: Skipped['why']) =>
    skipped.filter((one) => one.why === why).map(({ path }) => path);
  const findings: [string, readonly string[]][] = [
    ['Categories without a folder, which are left out', missing],
    ['In two splits, byte for byte, so accuracy will look better than it is', of('other split')],
    ['In two classes, byte for byte, so one of the labels must be wrong', of('other class')],
    [
      isToTrain
        ? 'More than once, byte for byte; copies go into the same split'
        : 'More than once, byte for byte',
      of('same class'),
    ],
    ['Broken links, which are skipped', skippedAs('broken link')],
    [
      'Links out of the folder, which are skipped (cp -rL makes a copy of it with what they lead to)',
      skippedAs('outside'),
    ],
    ['Links to another file system, which are skipped', skippedAs('other file system')],
    [
      'Links to folders that contain them or have been read already, which are skipped',
      skippedAs('cycle'),
    ],
    ['Skipped, since they cannot be read (see their permissions)', skippedAs('unreadable')],
    ['Skipped, since their names are not UTF-8 (rename them)', skippedAs('bad name')],
    ['Skipped, since they are neither files nor folders', skippedAs('no file')],
  ];
  const sentences = [
    ...notes,
    ...describeNotices('Skipped', refused),
    ...(isToTrain
      ? describeNotices('Used in training, but the Worker will refuse these', unserved)
      : []),
    ...findings
      .filter(([, names]) => names.length > 0)
      .map(([what, names]) => `${what}: ${names.length} (${listNames(names.map(printable), 10)}).`),
  ];
  if (isToTrain && most > IMBALANCE * fewest) {
    sentences.push(
      `The classes are imbalanced, ${most} images to ${fewest}: the rare ones will be predicted too seldom. Pass --stage1.classWeights balanced and --stage2.classWeights balanced to weight all classes equally.`,
    );
  }
  return sentences;
}

/** A sentence for each kind of reason; reasons that differ in numbers only are one kind. */
function describeNotices(what: string, notices: readonly Notice[]): string[] {
  const kinds = Map.groupBy(notices, ({ reason }) => reason.replaceAll(/\d+/g, '#'));
  return [...kinds.values()].map((those) => {
    const names = listNames(
      those.map(({ path }) => printable(path)),
      10,
    );
    return `${what}: ${those.length} (${names}). ${those[0]?.reason}`;
  });
}
