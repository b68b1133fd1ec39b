/**
 * Undoes a row's filter, in place.
 *
 * @param row without its filter byte
 * @param above the row above without its filter, as long; zeros above the first one
 * @param stride bytes from a pixel to the next, at least 1
 * @throws Error for a filter that there is not
 * @see PNG specification, 9.2
 */
export function undoPngFilter(
  filter: number,
  row: Uint8Array,
  above: Uint8Array,
  stride: number,
): void {
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let at = stride; at < row.length; at++) {
        row[at] = (row[at] as number) + (row[at - stride] as number);
      }
      return;
    case 2:
      for (let at = 0; at < row.length; at++) {
        row[at] = (row[at] as number) + (above[at] as number);
      }
      return;
    case 3:
      for (let at = 0; at < row.length; at++) {
        const left = at < stride ? 0 : (row[at - stride] as number);
        row[at] = (row[at] as number) + ((left + (above[at] as number)) >> 1);
      }
      return;
    case 4:
      undoPaeth(row, above, stride);
      return;
    default:
      throw new Error(`A PNG has no filter ${filter}.`);
  }
}

/** Adds whichever of left, above and above left is nearest to left + above - above left. */
function undoPaeth(row: Uint8Array, above: Uint8Array, stride: number): void {
  for (let at = 0; at < stride && at < row.length; at++) {
    row[at] = (row[at] as number) + (above[at] as number);
  }
  for (let at = stride; at < row.length; at++) {
    const left = row[at - stride] as number;
    const up = above[at] as number;
    const upLeft = above[at - stride] as number;
    const toLeft = Math.abs(up - upLeft);
    const toUp = Math.abs(left - upLeft);
    const toUpLeft = Math.abs(left + up - upLeft - upLeft);
    const nearest = toLeft <= toUp && toLeft <= toUpLeft ? left : toUp <= toUpLeft ? up : upLeft;
    row[at] = (row[at] as number) + nearest;
  }
}
