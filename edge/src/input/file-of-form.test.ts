import { expect, test } from 'vitest';
import type { ByteBudget } from '../isolate/byte-budget.ts';
import { fileOfForm } from './file-of-form.ts';

const unlimited: ByteBudget = { take() {} };
const encoder = new TextEncoder();

function find(body: string, header: string): Promise<Uint8Array> {
  return fileOfForm(new Uint8Array(encoder.encode(body)), header, 1000, unlimited);
}

function form(boundary: string, parts = 1, content = 'file'): string {
  const part = `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n${content}\r\n`;
  return `${part.repeat(parts)}--${boundary}--\r\n`;
}

test.each([
  ['A', 'boundary=A'],
  ['A', 'boundary="A"'],
  ['A', 'boundary="\\A"'],
  ['A', 'BOUNDARY=A; charset=utf-8'],
  ['A', 'xboundary=zzz; boundary=A'],
  ['A', 'boundary*=zzz; boundary=A'],
  ['A', 'x="; boundary=zzz"; boundary=A'],
  ['A b', 'boundary="A b"'],
  ["a'()+_,-./:=?z", `boundary="a'()+_,-./:=?z"`],
  ['----=_Part/1:2', 'boundary=----=_Part/1:2'],
  ['-'.repeat(70), `boundary=${'-'.repeat(70)}`],
  ['----WebKitFormBoundary7MA4YWxkTrZu0gW', 'boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW'],
])('finds the file between the delimiters %j, given as %s', async (boundary, parameters) => {
  const file = await find(form(boundary), `multipart/form-data; ${parameters}`);
  expect(new TextDecoder().decode(file)).toBe('file');
});

test.each([
  '',
  '; charset=utf-8',
  '; boundary',
  '; boundary=',
  '; boundary=""',
  '; boundary=A; boundary=A',
  '; boundary=A; boundary=zzz',
  '; boundary=zzz; BOUNDARY="A"',
  '; boundary=A, multipart/form-data; boundary=zzz',
  '; boundary="A',
  '; boundary="A\\"',
  '; boundary="A "',
  '; boundary="A\r\nB"',
  '; boundary=Ä',
  `; boundary=${'A'.repeat(71)}`,
])('refuses a form of the type multipart/form-data%s', async (parameters) => {
  await expect(find(form('A'), `multipart/form-data${parameters}`)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('one boundary'),
  });
});

test.each([
  'boundary=A',
  'boundary="A"',
  'boundary="\\A"',
  'xboundary=zzz; boundary=A',
  'x="; boundary=zzz"; boundary=A',
  'boundary*=zzz; boundary=A',
  'boundary-x=zzz; Boundary=A',
])('counts the parts by the boundary that the parser uses: %s', async (parameters) => {
  const bombs = [form('A', 140_000), '--A\n'.repeat(140_000), '--A'.repeat(140_000)];
  for (const bomb of [...bombs, `x\r\n${'--A\r\n\r\n'.repeat(140_000)}`]) {
    await expect(find(bomb, `multipart/form-data; ${parameters}`)).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'The form must have at most 100 parts.',
    });
  }
});

test('finds delimiters among partial matches', async () => {
  const boundary = 'ababac';
  const near = `--aba-\n--abab\n----ababa\n${'--ababab'.repeat(50)}`;
  const file = await find(form(boundary, 1, near), `multipart/form-data; boundary=${boundary}`);
  expect(new TextDecoder().decode(file)).toBe(near);
  const bomb = `--abab--${boundary}\n`.repeat(101);
  await expect(find(bomb, `multipart/form-data; boundary=${boundary}`)).rejects.toThrow(
    '100 parts',
  );
});
