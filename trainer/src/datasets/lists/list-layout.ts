import { basename } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { listNames } from '../../files/list-names.ts';
import { printable } from '../../printable.ts';
import type { LayoutOptions } from '../folders/find-splits.ts';
import type { FolderLayout, LabelledFile } from '../folders/folder-layout.ts';
import { FolderReader } from '../folders/folder-reader.ts';
import { isImageName } from '../folders/is-clutter.ts';
import type { SplitName } from '../folders/split-names.ts';
import { finderOf, pathFrom } from './find-listed.ts';
import { readLabelFile } from './label-file.ts';

/**
 * The images of a folder that a file gives labels: see `readLabelFile`.
 *
 * @param path of the folder, from which the file names its images
 * @param list path of the file
 * @param oneLabel whether an image has exactly one label; those without are left out
 * @throws TrainerError `dataset_invalid` where the file cannot be read, names no image that is there, gives one
 *   several labels where it should have one, or, for training, has fewer than two labels
 */
export async function listLayout(
  path: string,
  list: string,
  { purpose, oneLabel = false }: Pick<LayoutOptions, 'purpose'> & { readonly oneLabel?: boolean },
): Promise<FolderLayout> {
  const reader = await FolderReader.open(path);
  const paths = await reader.filesBelow(reader.root);
  const root = reader.root.path;
  const { labels, images, hasSplits } = await readLabelFile(list, finderOf(root, paths), oneLabel);
  const name = printable(basename(list));
  if (labels.length < 2 && purpose === 'training') {
    throw new TrainerError(
      'dataset_invalid',
      `Expected at least two labels in ${list}, but there ${labels.length === 1 ? `is only ${labels[0]}` : 'are none'}.`,
    );
  }
  const unlisted = new Set(paths.filter((file) => isImageName(basename(file))));
  const files: Record<SplitName, LabelledFile[]> = { train: [], validation: [], test: [] };
  const absent: string[] = [];
  const unlabelled: string[] = [];
  const below: string[] = [];
  for (const { line, file, imagePath: found, labels: of, split } of images) {
    const [first] = of;
    if (found === undefined) {
      absent.push(printable(file));
      continue;
    }
    unlisted.delete(found);
    if (pathFrom(root, file) !== pathFrom(root, found))
      below.push(`${printable(pathFrom(root, found))} for ${printable(file)}`);
    if (!oneLabel) files[split].push({ path: found, label: 0, labels: of });
    else if (first === undefined) unlabelled.push(printable(file));
    else if (of.length === 1) files[split].push({ path: found, label: first });
    else throw severalLabels(list, line);
  }
  if (absent.length === images.length) {
    const where = oneLabel ? 'put the list beside them' : '--data names another folder';
    throw new TrainerError(
      'dataset_invalid',
      `Expected the images of ${list} in ${path}, but none is there, such as ${absent[0]}: ${where}.`,
    );
  }
  const left = [...unlisted].map((file) => printable(pathFrom(root, file)));
  const notes = [
    ...noteOf('Found by the ends of their paths', below, 1),
    ...noteOf(`Listed in ${name}, but not there`, absent),
    ...noteOf(`Left out, since ${name} gives them no label`, unlabelled),
    ...noteOf(`Left out, since ${name} does not list them`, left),
  ];
  return {
    labels,
    files: {
      train: files.train,
      validation: hasSplits && files.validation.length > 0 ? files.validation : null,
      test: hasSplits && files.test.length > 0 ? files.test : null,
    },
    missing: [],
    skipped: reader.skipped,
    notes,
  };
}

function severalLabels(list: string, line: number): TrainerError {
  return new TrainerError(
    'dataset_invalid',
    `Expected one label in line ${line} of ${list}, but there are several: for images of several labels pass --labels ${list}.`,
  );
}

function noteOf(what: string, names: readonly string[], most = 5): string[] {
  return names.length > 0 ? [`${what}: ${names.length} (${listNames(names, most)}).`] : [];
}
