/**
 * Control characters (C0, DEL, C1), which a terminal obeys; line and paragraph separators; marks that
 * turn the direction of what follows them (UTS #55); invisible marks, but those that join letters and emoji; and halves of surrogate pairs.
 */
const UNPRINTABLE =
  /[\p{Cc}\u2028\u2029\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu;

/**
 * A text from outside (the name of a file, a class, a model; what a host said) as one line for the
 * terminal, in which every character that a terminal would obey or hide is written as its escape.
 *
 * @example printable('a\u001b[2Jb') is `a\u001b[2Jb` in letters
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const hex = (character.codePointAt(0) as number).toString(16).padStart(4, '0');
    return `\\u${hex}`;
  });
}

/** As `printable`, of a text of several lines, such as a table. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
