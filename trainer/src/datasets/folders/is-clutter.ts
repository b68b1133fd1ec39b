// Files that systems and programs leave in folders, which are no part of a data set.

/** In a folder of images: those that came back from production and have no label yet. */
export const FEEDBACK_FOLDER = '_feedback';

/** In a folder of images: those of none of the classes, which fit the score of unknown images. */
export const COUNTER_FOLDERS = ['_unknown', '_other'] as const;

const CLUTTER: ReadonlySet<string> = new Set([
  // Windows
  'thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
  '$recycle.bin',
  'recycler',
  'system volume information',
  // macOS
  '__macosx',
  'icon\r',
  // Linux
  'lost+found',
  // Synology and QNAP
  '@eadir',
  '@tmp',
  '#recycle',
  '#snapshot',
  '@recycle',
  '@recently-snapshot',
  FEEDBACK_FOLDER,
  ...COUNTER_FOLDERS,
  // Programs
  'picasa.ini',
  '__pycache__',
  'node_modules',
]);

/** Edits of a photo by Adobe, Apple, RawTherapee and DxO, thumbnails of cameras, and Windows' notes on a file's origin. */
const SIDECAR = /\.(?:xmp|aae|pp3|dop|thm|lrdata)$|:zone\.identifier$/i;

/** A photo's description, if it has the photo's name too. */
const DESCRIPTION = /\.(?:json|xml|txt|ya?ml)$/i;

/** Includes formats that cannot be read, so that the user is told of such files. */
const IMAGE =
  /\.(?:jpe?g|jpe|jfif|png|gif|webp|avif|tiff?|bmp|hei[cf]|hif|jxl|jp2|svg|ico|psd|dng|cr[23]|nef|arw|orf|rw2|raf|pef|srw)$/i;

/** Whether a file or folder is hidden, or no part of a data set. */
export function isClutter(name: string): boolean {
  return name.startsWith('.') || CLUTTER.has(name.toLowerCase()) || SIDECAR.test(name);
}

/** Whether a file's name is that of an image: with an image's extension, or with a number and no extension, as hashes are. */
export function isImageName(name: string): boolean {
  return hasImageExtension(name) || (!name.includes('.') && /\d/.test(name));
}

export function hasImageExtension(name: string): boolean {
  return IMAGE.test(name);
}

/**
 * Removes the names of files that only describe another, as `1.txt` and `1.jpg.json` describe `1.jpg`.
 *
 * @param names all of a folder's files
 */
export function withoutDescriptions(names: readonly string[]): string[] {
  const described = new Set(
    names.filter((name) => IMAGE.test(name)).flatMap((name) => [name, name.replace(IMAGE, '')]),
  );
  return names.filter((name) => !(DESCRIPTION.test(name) && beginsWithOneOf(described, name)));
}

function beginsWithOneOf(described: ReadonlySet<string>, name: string): boolean {
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    if (described.has(name.slice(0, dot))) return true;
  }
  return false;
}
