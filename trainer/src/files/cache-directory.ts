import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folder for what is downloaded or built once and used by every clone of the repository:
 * `GRAFT_CACHE` if set, else the platform's own cache folder.
 *
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function cacheDirectory(
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (environment['GRAFT_CACHE']) return resolve(environment['GRAFT_CACHE']);
  if (environment['XDG_CACHE_HOME']) return join(environment['XDG_CACHE_HOME'], 'graft');
  if (platform === 'win32' && environment['LOCALAPPDATA']) {
    return join(environment['LOCALAPPDATA'], 'graft');
  }
  return join(homedir(), '.cache', 'graft');
}
