/**
 * The name that was meant by a mistyped one: the same in other letters' case or with other marks between
 * words; the one that ends in it after a dot; or one two letters away at most.
 */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const plain = (name: string) => name.toLowerCase().replace(/[-_ .]/g, '');
  const same = names.find((name) => plain(name) === plain(typed));
  if (same !== undefined) return same;
  const whole = names.find((name) => name.endsWith(`.${typed}`));
  if (whole !== undefined) return whole;
  // Longer ones are no slips of the finger.
  if (typed.length > 64) return undefined;
  const [best] = names
    .map((name) => ({ name, edits: editsBetween(typed, name) }))
    .sort((a, b) => a.edits - b.edits);
  return best && best.edits <= Math.min(2, typed.length - 1) ? best.name : undefined;
}

/** How many letters to add, leave out or replace (Levenshtein 1966). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] as number) + Number(letter !== other);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row.at(-1) as number;
}
