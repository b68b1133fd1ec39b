import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { splitReference } from 'shared/contract/models-index';
import { quoted } from '../commands/options/option-values.ts';
import { MODELS, RUNS } from '../commands/options/shared-options.ts';
import { listNames } from '../files/list-names.ts';
import { formatPercent } from '../files/progress.ts';
import { findSettings, fromUser, graft, project } from '../files/project.ts';
import { listRuns, type RunRecord } from '../runs/list-runs.ts';

/** Where a person stands: what `graft` alone looks at. */
export interface Place {
  /** The folder that it was typed in. */
  readonly here: string;
  readonly runs: string;
  readonly models: string;
}

/** What to do next in this folder, the most pressing first, each with its command. */
export async function nextSteps(
  { here, runs, models }: Place = { here: fromUser('.'), runs: RUNS, models: MODELS },
): Promise<string> {
  const [latest] = await listRuns(runs);
  const photos = await findPhotos(here);
  const trained = await namesOfModels(models);
  const steps = [
    ...(latest && !latest.isFinished ? [continuing(latest)] : []),
    ...(photos === undefined ? [layingOut()] : latest?.isFinished ? [] : [training(photos)]),
    ...(trained.length > 0 ? [serving(trained, latest)] : []),
  ];
  return [...steps.map((lines) => lines.join('\n')), `All commands: ${graft('--help')}`].join(
    '\n\n',
  );
}

function continuing({ name, epochs, resume }: RunRecord): string[] {
  return [
    `The run ${name} is unfinished, after ${epochs} epoch${epochs === 1 ? '' : 's'}. Unless it is still going on, continue it:`,
    `  ${resume ?? graft(`train --resume ${quoted(name)}`)}`,
  ];
}

function layingOut(): string[] {
  return [
    'There are no photos here yet. Put yours into a folder for each class, 20 of each or more:',
    '  photos/cat/1.jpg, photos/cat/2.jpg, …',
    '  photos/dog/1.jpg, photos/dog/2.jpg, …',
    'Then look at what is in it, and train:',
    `  ${graft('datasets photos')}`,
    `  ${graft(trainOn('photos'))}`,
    ...(project.isCheckout
      ? ['Or try it without photos of your own, on CIFAR-10:', `  ${graft('train')}`]
      : []),
  ];
}

function training({ path, classes }: Photos): string[] {
  return [
    `There are photos of ${listNames(classes, 5)} in ${path}. Train on them:`,
    `  ${graft(trainOn(path))}`,
  ];
}

/** A file of settings names the photos itself. */
function trainOn(path: string): string {
  return findSettings() === undefined ? `train --data ${quoted(path)}` : 'train';
}

function serving(models: readonly string[], latest: RunRecord | undefined): string[] {
  const result = latest?.test
    ? ` The latest run, ${latest.name}, gave ${formatPercent(latest.test.quantized)}.`
    : '';
  const they = models.length === 1 ? 'it' : 'them';
  return [
    `There ${models.length === 1 ? 'is the model' : 'are the models'} ${listNames(models, 5)}.${result} Try ${they} in a browser, then deploy ${they}:`,
    `  ${graft('dev')}`,
    `  ${graft('deploy')}`,
  ];
}

interface Photos {
  /** From the folder that the command was typed in. */
  readonly path: string;
  readonly classes: readonly string[];
}

const IMAGE = /\.(jpe?g|png|webp|avif|gif)$/i;

/** A folder here, or this one, that has two class folders with images or more. */
async function findPhotos(here: string): Promise<Photos | undefined> {
  const inside = await foldersIn(here);
  const likely = ['photos', 'images', 'data', 'dataset'].filter((name) => inside.includes(name));
  for (const path of [...likely, '.']) {
    const classes = await classesIn(join(here, path));
    if (classes.length >= 2) return { path, classes };
  }
  return undefined;
}

/** Or, where there are folders of splits, those in the first of them. */
async function classesIn(folder: string): Promise<string[]> {
  const names = await foldersIn(folder);
  const train = names.find((name) => /^train(ing)?$/i.test(name));
  if (train !== undefined) return classesIn(join(folder, train));
  const classes: string[] = [];
  for (const name of names) {
    const files = await readdir(join(folder, name)).catch(() => [] as string[]);
    if (files.some((file) => IMAGE.test(file))) classes.push(name);
  }
  return classes;
}

async function foldersIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const isFolder = async (name: string) =>
    (await stat(join(folder, name)).catch(() => undefined))?.isDirectory() === true;
  const found: string[] = [];
  for (const name of names.sort()) {
    if (!name.startsWith('.') && name !== 'node_modules' && (await isFolder(name)))
      found.push(name);
  }
  return found;
}

async function namesOfModels(models: string): Promise<string[]> {
  const names = await foldersIn(models);
  const found: string[] = [];
  for (const name of names) {
    const files = await readdir(join(models, name)).catch(() => [] as string[]);
    if (files.includes('model.json')) found.push(splitReference(name).id);
  }
  return [...new Set(found)];
}
