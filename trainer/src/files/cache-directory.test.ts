import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { cacheDirectory } from './cache-directory.ts';

test.each([
  [{ GRAFT_CACHE: '/a', XDG_CACHE_HOME: '/b' }, 'linux', resolve('/a')],
  [{ GRAFT_CACHE: 'a' }, 'linux', resolve('a')],
  [{ XDG_CACHE_HOME: '/b' }, 'linux', join('/b', 'graft')],
  [{ LOCALAPPDATA: '/c' }, 'win32', join('/c', 'graft')],
  [{ LOCALAPPDATA: '/c' }, 'darwin', join(homedir(), '.cache', 'graft')],
  [{}, 'linux', join(homedir(), '.cache', 'graft')],
] as const)('with %j on %s is %s', (environment, platform, expected) => {
  expect(cacheDirectory(environment, platform)).toBe(expected);
});
