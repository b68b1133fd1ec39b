import { listNames } from '../../files/list-names.ts';
import { printable } from '../../printable.ts';
import { classCounts } from '../lists/several-labels.ts';
import type { Repeat } from './find-repeats.ts';
import type { LayoutOptions } from './find-splits.ts';
import type { Skipped } from './folder-reader.ts';
import type { Inspection, Notice } from './inspect-folder.ts';

const IMBALANCE = 5;

/** What the user should know about a folder's images before training or measuring on them, in sentences. */
export function describeProblems(
  inspection: Inspection,
  purpose: LayoutOptions['purpose'],
): string[] {
  const { labels, photos, missing, notes, skipped, refused, unserved, repeats } = inspection;
  const isToTrain = purpose === 'training';
  const counts = classCounts(photos.train, labels.length);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const of = (kind: Repeat['kind']) =>
    repeats
      .filter((repeat) => repeat.isExact && repeat.kind === kind)
      .map(({ path, of }) => `${path} = ${of}`);
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
  sentences.push(...describeNearRepeats(inspection, isToTrain));
  if (isToTrain && most > IMBALANCE * fewest) {
    sentences.push(
      `The classes are imbalanced, ${most} images to ${fewest}: the rare ones will be predicted too seldom. Pass --stage1.classWeights balanced and --stage2.classWeights balanced to weight all classes equally.`,
    );
  }
  return sentences;
}

/** What is nearly the same: how much, the first few, and where the list of all is. */
function describeNearRepeats(
  { repeats, repeatsFile, alike }: Inspection,
  isToTrain: boolean,
): string[] {
  const near = repeats.filter(({ isExact }) => !isExact);
  if (near.length === 0) return [];
  const pairsOf = (kind: Repeat['kind']) => near.filter((repeat) => repeat.kind === kind);
  const kinds = [
    ['between two splits, so accuracy will look better than it is', pairsOf('other split')],
    ['between two classes, so a label may be wrong', pairsOf('other class')],
  ] as const;
  const shown = kinds.flatMap(([what, pairs]) => {
    const names = pairs.map(({ path, of }) => printable(`${path} ~ ${of}`));
    return names.length > 0 ? [`${names.length} ${what} (${listNames(names, 3)})`] : [];
  });
  const together = isToTrain ? '; they go into the same split' : '';
  const sentences = [
    `Nearly the same as another image: ${[`${near.length}${together}`, ...shown].join('; ')}.${repeatsFile ? ` All pairs are in ${repeatsFile}.` : ''}`,
  ];
  if (alike.length > 0) {
    sentences.push(
      `Nearly all images are the same in ${listNames(alike, 5)}, so they are split as if they were different, and accuracy will look better than it is: add images of other scenes.`,
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
