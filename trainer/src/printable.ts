/** Controls, line separators, and marks that turn the direction of reading around. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const UNPRINTABLE_IN_LINES = /(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A name as it may be shown: an ESC in it would steer the terminal, a newline or a bidirectional
 * override would forge what stands around it. Such characters become `\u001b`, which is also what
 * JSON takes for them.
 */
export function printable(name: string): string {
  return name.replace(UNPRINTABLE, escapeCharacter);
}

/** Text of several lines, in which names may be, as it may be shown. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE_IN_LINES, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
