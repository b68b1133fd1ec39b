import { expect, test } from 'vitest';
import { isMediaType, parameterValues } from './media-type.ts';

test.each([
  ['multipart/form-data', true],
  ['Multipart/Form-Data; boundary=A', true],
  [' multipart/form-data ;boundary=A', true],
  ['multipart/form-data-x; boundary=A', false],
  ['multipart/mixed; x=multipart/form-data', false],
  ['text/plain, multipart/form-data; boundary=A', false],
  ['', false],
  [null, false],
])('%j is a form: %s', (header, expected) => {
  expect(isMediaType(header, 'multipart/form-data')).toBe(expected);
});

test.each([
  ['m/f; boundary=A', ['A']],
  ['m/f;boundary=A;', ['A']],
  ['m/f ; BOUNDARY=A ; charset=utf-8', ['A']],
  ['m/f; boundary="A"', ['A']],
  ['m/f; boundary="A\\"B\\\\C"', ['A"B\\C']],
  ['m/f; boundary=""', ['']],
  ['m/f; xboundary=zzz; boundary=A', ['A']],
  ['m/f; boundary-x=zzz; boundary=A', ['A']],
  ['m/f; boundary*=zzz; boundary=A', ['A']],
  ['m/f; x="; boundary=zzz"; boundary=A', ['A']],
  ['m/f; x="\\"; boundary=zzz"; boundary=A', ['A']],
  ['m/f; boundary=A; boundary=B', ['A', 'B']],
  ['m/f; boundary=A; Boundary="A"', ['A', 'A']],
  ['m/f; boundary=----=_Part/1:2', ['----=_Part/1:2']],
  ['m/f', []],
  ['m/f; charset=utf-8', []],
  // Ambiguous headers.
  ['m/f; boundary = A', undefined],
  ['m/f; boundary=A B', undefined],
  ['m/f; boundary=A, m/f; boundary=B', undefined],
  ['m/f; boundary="A', undefined],
  ['m/f; boundary="A"B', undefined],
  ['m/f; boundary=A"B"', undefined],
  ['m/f; boundary', undefined],
  ['m/f; =A', undefined],
])('finds the boundaries of %j: %j', (header, expected) => {
  expect(parameterValues(header, 'boundary')).toEqual(expected);
});

test('takes time in proportion to the length of a header', () => {
  const hostile = `m/f${'; a="\\'.repeat(20_000)}`;
  expect(parameterValues(hostile, 'boundary')).toBeUndefined();
  expect(parameterValues(`m/f${';'.repeat(100_000)}`, 'boundary')).toEqual([]);
});
