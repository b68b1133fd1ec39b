import { viewOf } from '../bytes.ts';
import { maxProfileBytes } from '../colour/icc-profile.ts';

const app2 = 0xe2;
const startOfScan = 0xda;
const prefix = new TextEncoder().encode('ICC_PROFILE\0');

/**
 * Reads the ICC profile in the APP2 segments of a JPEG, which may have any order before its first scan.
 *
 * @returns undefined where there is no profile or a part of it is missing
 * @see ICC.1:2022, annex B.4
 */
export function readJpegProfile(file: Uint8Array): Uint8Array | undefined {
  const parts = new Map<number, Uint8Array>();
  let total = 0;
  for (const segment of findProfileSegments(file)) {
    const [number = 0, count = 0] = segment;
    if (total === 0) total = count;
    if (number === 0 || number > total || count !== total || parts.has(number)) return undefined;
    parts.set(number, segment.subarray(2));
  }
  if (total === 0 || parts.size !== total) return undefined;
  const inOrder = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
  const length = inOrder.reduce((sum, part) => sum + part.length, 0);
  if (length > maxProfileBytes) return undefined;
  const profile = new Uint8Array(length);
  let at = 0;
  for (const part of inOrder) {
    profile.set(part, at);
    at += part.length;
  }
  return profile;
}

/** @returns the data after the prefix of each segment, in the file's order */
function* findProfileSegments(file: Uint8Array): Generator<Uint8Array> {
  const view = viewOf(file);
  // Skips anything between segments, as libjpeg does.
  let at = nextFill(file, 2);
  while (at >= 0 && at + 4 <= file.length) {
    const marker = file[at + 1] as number;
    if (marker === startOfScan) return;
    if (hasLength(marker)) {
      const end = at + 2 + view.getUint16(at + 2);
      const isLong = end >= at + 4 + prefix.length;
      if (marker === app2 && isLong && prefix.every((byte, i) => file[at + 4 + i] === byte)) {
        yield file.subarray(at + 4 + prefix.length, end);
      }
      at = nextFill(file, Math.max(end, at + 4));
    } else at = nextFill(file, at + (marker === 0xff ? 1 : 2));
  }
}

/** Nearly always, it is where the search starts. */
function nextFill(file: Uint8Array, start: number): number {
  return file[start] === 0xff ? start : file.indexOf(0xff, start);
}

/** TEM, restarts, and the start and end of the image have no length; 0 and 255 are not markers. */
function hasLength(marker: number): boolean {
  return marker > 0x01 && marker < 0xff && !(marker >= 0xd0 && marker <= 0xd9);
}
