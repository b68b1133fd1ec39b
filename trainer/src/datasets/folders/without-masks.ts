import { basename, dirname, extname } from 'node:path';

const MASK = /[ ._-](?:mask|label|segmentation|seg|gt)$/i;
const MASK_FOLDER = /^(?:masks?|labels?|annotations?|segmentations?|ground[ _-]?truth|gt)$/i;
/** The least share of a folder's JPEGs that have a PNG of the same name, where these are masks. */
const SHARE = 0.5;

/**
 * Tells masks of photos, as data sets for segmentation have them, from photos: `1.png` beside `1.jpg` where most are so,
 * `1_mask.png` beside `1.jpg`, and `masks/1.png` where there is another `1`.
 *
 * @param paths all files of a class
 */
export function withoutMasks(paths: readonly string[]): { photos: string[]; masks: string[] } {
  const stemOf = (path: string) => basename(path, extname(path));
  const isPng = (path: string) => /\.png$/i.test(path);
  const inMaskFolder = (path: string) => MASK_FOLDER.test(basename(dirname(path)));
  const elsewhere = new Set(paths.filter((path) => !inMaskFolder(path)).map(stemOf));
  const masks = new Set(
    paths.filter((path) => inMaskFolder(path) && elsewhere.has(stemOf(path).replace(MASK, ''))),
  );
  for (const files of Map.groupBy(paths, dirname).values()) {
    const stems = new Set(files.map(stemOf));
    const jpegs = new Set(files.filter((path) => /\.jpe?g$/i.test(path)).map(stemOf));
    const twins = files.filter((path) => isPng(path) && jpegs.has(stemOf(path)));
    if (twins.length >= 2 && twins.length >= SHARE * jpegs.size) {
      for (const twin of twins) masks.add(twin);
    }
    for (const path of files) {
      const stem = stemOf(path);
      if (MASK.test(stem) && stems.has(stem.replace(MASK, ''))) masks.add(path);
    }
  }
  return {
    photos: paths.filter((path) => !masks.has(path)),
    masks: paths.filter((path) => masks.has(path)),
  };
}
