/** @returns the lines of each turn of a loop of `count`, one after the other */
export function unroll(count: number, turn: (i: number) => string | readonly string[]): string {
  return Array.from({ length: count }, (_, i) => turn(i))
    .flat()
    .join('\n');
}
