import { relative, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { listNames } from '../../files/list-names.ts';
import { printable } from '../../printable.ts';
import type { Inspection, Photo } from '../folders/inspect-folder.ts';
import { classCounts, labelsOf, rarestOf } from '../lists/several-labels.ts';
import type { DecidedImage, Decision, Decisions } from './decisions.ts';

/** A photo with its labels as decided. */
export interface DecidedPhoto extends Photo {
  /** What changes the data set: that its labels are others, or that it was added from production. */
  readonly decided?: 'move' | 'added';
}

type Places = readonly (number | undefined)[];
type Sets<T> = Readonly<Record<keyof Inspection['photos'], T>>;

export interface Decided {
  readonly photos: Sets<readonly DecidedPhoto[] | null> & { readonly train: DecidedPhoto[] };
  /** For each training photo of the inspection, its index in `photos.train`; undefined where it is left out. */
  readonly places: Places;
  /** What was done, and the counts before and after, in sentences. */
  readonly notes: readonly string[];
}

/** A photo of a folder, as decisions name it. */
export function decidedImage(
  folder: string,
  { path, hash }: Pick<Photo, 'path' | 'hash'>,
): DecidedImage {
  return { file: relative(folder, path).split(sep).join('/'), sha256: hash };
}

/** Gives images the labels that people have decided on, and leaves out duplicates and what is no photo. */
export function applyDecisions(
  { folder, labels, photos }: Pick<Inspection, 'folder' | 'labels' | 'photos'>,
  decisions: Decisions,
): Decided {
  const all = Object.values(photos).flatMap((split) => split ?? []);
  const find = decisions.finder(all.map((photo) => decidedImage(folder, photo)));
  const done: Decision[] = [];
  const noClass: string[] = [];
  const after: DecidedPhoto[] = [];
  const counts = classCounts(photos.train, labels.length);
  const applyTo = (split: readonly Photo[]): { kept: DecidedPhoto[]; places: Places } => {
    const kept: DecidedPhoto[] = [];
    const places = split.map((photo): number | undefined => {
      const decision = find(decidedImage(folder, photo));
      const all = decidedLabels(photo, decision, labels);
      if (!all) noClass.push(`${decision?.file}`);
      else if (decision) done.push(decision);
      if (decision?.decision === 'duplicate' || decision?.decision === 'not a photo')
        return undefined;
      if (all && !isDeepStrictEqual(all, labelsOf(photo))) {
        const several = photo.labels && { labels: all };
        const label = rarestOf(all, counts);
        return kept.push({ ...photo, label, ...several, decided: 'move' }) - 1;
      }
      return kept.push(decision?.decision === 'added' ? { ...photo, decided: 'added' } : photo) - 1;
    });
    after.push(...kept);
    return { kept, places };
  };
  const train = applyTo(photos.train);
  const validation = photos.validation && applyTo(photos.validation);
  const test = photos.test && applyTo(photos.test);
  const notes = describe(done, noClass);
  if (notes.length > 0) notes.push(...describeCounts(labels, all, after));
  return {
    photos: {
      train: train.kept,
      validation: validation ? validation.kept : null,
      test: test ? test.kept : null,
    },
    places: train.places,
    notes,
  };
}

/**
 * The labels that an image has after a decision.
 *
 * @returns ascending indices; undefined for a label that the folder has not, or several of an image that has one
 */
export function decidedLabels(
  photo: Pick<Photo, 'label' | 'labels'>,
  decision: Decision | undefined,
  labels: readonly string[],
): readonly number[] | undefined {
  const names =
    decision?.decision === 'move'
      ? [decision.to]
      : decision?.decision === 'labels'
        ? decision.labels
        : undefined;
  if (!names) return labelsOf(photo);
  const found = [...new Set(names.map((name) => labels.indexOf(name)))].sort((a, b) => a - b);
  const isOne = photo.labels !== undefined || found.length === 1;
  return found.includes(-1) || !isOne ? undefined : found;
}

const DONE = {
  move: 'moved to another class',
  labels: 'given other labels',
  duplicate: 'left out as duplicates',
  'not a photo': 'left out as no photos',
  added: 'added from production',
} as const;

function describe(done: readonly Decision[], noClass: readonly string[]): string[] {
  const parts = Object.entries(DONE).flatMap(([kind, what]) => {
    const count = done.filter(({ decision }) => decision === kind).length;
    return count > 0 ? [`${count} ${what}`] : [];
  });
  return [
    ...(parts.length > 0 ? [`Reviewed images: ${parts.join(', ')}.`] : []),
    ...(noClass.length > 0
      ? [
          `Decisions that name no class of the folder, which are not applied: ${noClass.length} (${listNames(noClass.map(printable), 10)}).`,
        ]
      : []),
  ];
}

function describeCounts(
  labels: readonly string[],
  before: readonly Photo[],
  after: readonly Photo[],
): string[] {
  const countIn = (photos: readonly Photo[], label: number) =>
    photos.filter((photo) => labelsOf(photo).includes(label)).length;
  const changed = labels.flatMap((name, label) => {
    const [one, other] = [countIn(before, label), countIn(after, label)];
    return one === other ? [] : [`${name} ${one} → ${other}`];
  });
  if (changed.length === 0) return [];
  return [
    `Images before and after the review: ${before.length} → ${after.length}; ${listNames(changed, 20)}.`,
  ];
}
