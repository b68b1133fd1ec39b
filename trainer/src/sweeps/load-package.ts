import { TrainerError } from '../errors.ts';
import { project } from '../files/project.ts';

/** The packages that only sweeps need: 30 MB, which nobody else should install. */
const PACKAGES = 'pg-boss @electric-sql/pglite @electric-sql/pglite-socket aws4fetch';

/**
 * @param load imports a package that may not be installed
 * @throws TrainerError `config_invalid`
 */
export async function loadPackage<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    const install = project.isCheckout ? project.install : `npm install --save-dev ${PACKAGES}`;
    throw new TrainerError(
      'config_invalid',
      `Sweeps need packages that are not installed here: run ${install} once.`,
      cause,
    );
  }
}
