import { unzipSync } from 'fflate';
import { identifyArchive } from '../identify-weights.ts';

const WEIGHTS = 'model.weights.h5';

/** Trained numbers hardly compress; only zeros do, and a small network has few of them. */
const MAX_RATIO = 100;
const ALWAYS_BYTES = 64 * 1024 * 1024;

/**
 * Extracts the weights from Keras 3's `.keras`, a zip archive.
 *
 * @param mostBytes the most bytes that the weights may have
 * @returns the weights, or a clause that follows "but" and says what the file is instead
 * @throws fflate's error for a damaged archive
 */
export function readArchive(
  archive: Uint8Array,
  mostBytes: number,
): { readonly weights: Uint8Array } | { readonly is: string } {
  const names: string[] = [];
  let refused: string | undefined;
  const files = unzipSync(archive, {
    // No more is unpacked than the archive's directory says, which it must keep to.
    filter: ({ name, size, originalSize }) => {
      names.push(name);
      if (name !== WEIGHTS) return false;
      if (originalSize > mostBytes) refused = 'it unpacks to more than 2 GB';
      else if (originalSize > Math.max(ALWAYS_BYTES, MAX_RATIO * size))
        refused = `it unpacks to ${Math.round(originalSize / size)} times its size, as no weights do`;
      return refused === undefined;
    },
  });
  const weights = files[WEIGHTS];
  if (weights) return { weights };
  return { is: refused ?? identifyArchive(names) };
}
