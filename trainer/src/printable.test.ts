import { expect, test } from 'vitest';
import { printable, printableLines } from './printable.ts';

test.each([
  ['colours', '\u001b[31mred\u001b[0m', '\\u001b[31mred\\u001b[0m'],
  ['a title of the window', '\u001b]0;x\u0007', '\\u001b]0;x\\u0007'],
  ['an escape in one character', '\u009b31m', '\\u009b31m'],
  ['a newline and a return', 'a\r\nb', 'a\\u000d\\u000ab'],
  ['separators of lines', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['an override', 'rtl\u202egpj', 'rtl\\u202egpj'],
  ['isolates', '\u2066a\u2069', '\\u2066a\\u2069'],
  ['no name at all', '\0\u007f', '\\u0000\\u007f'],
])('shows %s', (_, name, shown) => {
  expect(printable(name)).toBe(shown);
  // Where it stands in JSON, JSON says the same as before.
  expect(JSON.parse(printable(JSON.stringify(name)))).toBe(name);
});

test.each(['big cat', 'café', 'cafe\u0301', '👩‍🚀', 'عربی', 'שלום\u200f', '日本', 'a\\b', "it's"])(
  'leaves %s',
  (name) => expect(printable(name)).toBe(name),
);

test('keeps the lines of a text', () => {
  expect(printableLines('a\n\tb\u001b\r\n')).toBe('a\n\tb\\u001b\\u000d\n');
});
