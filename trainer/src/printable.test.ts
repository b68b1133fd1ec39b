import { expect, test } from 'vitest';
import { printable, printableLines } from './printable.ts';

// As JSON writes them.
test.each([
  ['a colour', '\\u001b[31mcat'],
  ['a cleared screen, by one C1 byte', '\\u009b2Jcat'],
  ['a bell and a backspace', 'cat\\u0007\\u0008'],
  ['a tab', 'a\\u0009b'],
  ['a carriage return over the line', 'dangerous\\u000dfine'],
  ['a new line', 'cat\\u000aWritten to /'],
  ['delete', 'cat\\u007f'],
  ['a line separator', 'a\\u2028b'],
  ['a reversed extension', 'cat\\u202egpj.exe'],
  ['a zero-width space', 'c\\u200bat'],
  ['half of a pair', 'cat\\ud83d'],
])('writes %s as an escape', (_, escaped) => {
  const text: string = JSON.parse(`"${escaped}"`);
  expect(printable(text)).toBe(escaped);
  expect(text).not.toBe(escaped);
});

test.each([
  'café',
  'Straße',
  '猫',
  'قطة',
  '👩\u200d💻',
  'می\u200cخواهم',
  'a\\u001b',
  "it's",
  'e\u0301',
])('leaves %j as it is', (text) => {
  expect(printable(text)).toBe(text);
});

test('keeps the lines of a table apart', () => {
  expect(printableLines('class\u001b\ncat\r\n')).toBe('class\\u001b\ncat\\u000d\n');
});
