import { expect, test } from 'vitest';
import { signUrl } from '../../test/sign-url.ts';
import { type Credentials, identifyCaller } from './identify-caller.ts';
import type { Settings } from './settings.ts';
import { sha256Hex } from './sha256-hex.ts';

const nothing: Credentials = {
  authorization: undefined,
  url: undefined,
  expires: undefined,
  signature: undefined,
};
const url = 'https://example.com/cat.jpg?size=2';

async function sign(secret: string, expires: string): Promise<Credentials> {
  return { ...nothing, ...(await signUrl(url, secret, expires)) };
}

type Doors = Pick<Settings, 'keyHashes' | 'signingKey'>;

const open: Doors = { keyHashes: undefined, signingKey: undefined };

const signed: Doors = { ...open, signingKey: 'secret' };

async function withKeys(...keys: string[]): Promise<Doors> {
  return { ...open, keyHashes: await Promise.all(keys.map(sha256Hex)) };
}

const inAnHour = `${Math.floor(Date.now() / 1000) + 3600}`;

test('admits everyone where nothing is configured', async () => {
  expect(await identifyCaller({ ...nothing, authorization: 'Bearer any' }, open)).toEqual({});
});

test.each(['one', 'two'])('admits the key %s, and identifies it by its hash', async (key) => {
  const caller = await identifyCaller(
    { ...nothing, authorization: `Bearer ${key}` },
    await withKeys('one', 'two'),
  );
  expect(caller).toEqual({ keyHash: await sha256Hex(key) });
});

test.each([undefined, '', 'Bearer', 'Bearer three', 'Basic one', 'one', 'Bearer one two'])(
  'refuses the authorization %s',
  async (authorization) => {
    const caller = identifyCaller({ ...nothing, authorization }, await withKeys('one', 'two'));
    await expect(caller).rejects.toMatchObject({ code: 'unauthorized' });
  },
);

test('accepts neither the hash of a key as the key, nor an empty list as an open service', async () => {
  const hash = await sha256Hex('one');
  for (const bindings of [await withKeys('one'), await withKeys()]) {
    const caller = identifyCaller({ ...nothing, authorization: `Bearer ${hash}` }, bindings);
    await expect(caller).rejects.toMatchObject({ code: 'unauthorized' });
  }
});

test('admits a signed url until it expires', async () => {
  const caller = await identifyCaller(await sign('secret', inAnHour), signed);
  expect(caller).toEqual({ signedUntil: Number(inAnHour) });
});

test('agrees with openssl on the signature', async () => {
  const { signature } = await sign('secret', '1893456000');
  expect(signature).toBe('d37173203864c604c610b62224c0742efd572c3787c0b7bed3e42b4c92252bad');
});

test.each([
  ['another secret', (): Promise<Credentials> => sign('guess', inAnHour)],
  ['the past', (): Promise<Credentials> => sign('secret', '1700000000')],
  ['no time', (): Promise<Credentials> => sign('secret', '')],
  ['an invalid time', (): Promise<Credentials> => sign('secret', 'Infinity')],
  ['another url', async () => ({ ...(await sign('secret', inAnHour)), url: 'http://a.com/' })],
  ['a later time', async () => ({ ...(await sign('secret', inAnHour)), expires: '9999999999' })],
  ['no signature', async () => ({ ...(await sign('secret', inAnHour)), signature: '' })],
  ['half of one', async () => ({ ...(await sign('secret', inAnHour)), signature: 'ab' })],
])('refuses a url signed with %s', async (_, credentials) => {
  const caller = identifyCaller(await credentials(), signed);
  await expect(caller).rejects.toMatchObject({ code: 'blocked_target' });
});

test('accepts a key or a signature where both are configured, and requires one of them', async () => {
  const bindings = { ...(await withKeys('one')), signingKey: 'secret' };
  const key = { ...nothing, authorization: 'Bearer one' };
  expect(await identifyCaller(key, bindings)).toHaveProperty('keyHash');
  expect(await identifyCaller(await sign('secret', inAnHour), bindings)).toHaveProperty(
    'signedUntil',
  );
  await expect(identifyCaller(nothing, bindings)).rejects.toMatchObject({ code: 'unauthorized' });
  await expect(identifyCaller(nothing, signed)).rejects.toMatchObject({
    code: 'unauthorized',
  });
});
