import { join, relative, sep } from 'node:path';
import { printable } from '../../printable.ts';
import type { LayoutOptions } from './find-splits.ts';
import { FolderReader } from './folder-reader.ts';
import { onlyFolderBelow } from './refuse-layout.ts';
import { rolesOf } from './split-names.ts';

export interface Descent {
  readonly reader: FolderReader;
  /** From the folder that was named to the one that is read, and empty where it is the same. */
  readonly way: string;
  /** What the user should know about it, in sentences. */
  readonly notes: readonly string[];
}

/** Opens a folder, or, where all of its images are in one folder of folders below, that one: it was named one level too high. */
export async function openClosest(path: string, { folders }: LayoutOptions): Promise<Descent> {
  const reader = await FolderReader.open(path);
  const asNamed = { reader, way: '', notes: [] };
  if (folders !== undefined) return asNamed;
  const { root } = reader;
  const below = await onlyFolderBelow(reader, root);
  // A link is as its name says, and so is a split alone: what holds it is read.
  if (!below || below.isOutside) return asNamed;
  const parts = relative(root.path, below.path).split(sep);
  const split = parts.findIndex((name) => rolesOf([name]).size > 0);
  const way = parts.slice(0, split < 0 ? parts.length : split).join(sep);
  if (way === '') return asNamed;
  return {
    reader: await FolderReader.open(join(root.path, way)),
    way,
    notes: [`Reading ${printable(way)}, the only folder in it that has images.`],
  };
}
