import { readFile } from 'node:fs/promises';
import imagenetLabels from 'shared/contract/labels/imagenet-1k.json' with { type: 'json' };
import { TrainerError } from '../../errors.ts';

/**
 * Reads which of ImageNet's 1,000 classes a model knows: a file with the synset id or the name of one on each
 * line. What follows a space, lines that begin with `#`, and empty lines are for people.
 *
 * @returns for each class whether it is one of them
 * @throws TrainerError `config_invalid` for another name, and where all or none are known
 */
export async function readImagenetClasses(path: string): Promise<boolean[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw invalid(`Expected a list of ImageNet's classes at ${path}: name another file.`, cause);
  });
  const isKnown = imagenetLabels.map(() => false);
  for (const line of text.split('\n')) {
    const [word = ''] = line.trim().split(/\s/);
    if (word === '' || word.startsWith('#')) continue;
    const at = imagenetLabels.findIndex((names) => names.includes(word));
    if (at < 0) {
      throw invalid(
        `Expected the name or synset id of an ImageNet class on each line of ${path}, but got ${word}.`,
      );
    }
    isKnown[at] = true;
  }
  if (new Set(isKnown).size < 2) {
    throw invalid(`Expected some of ImageNet's classes in ${path}, but got all or none.`);
  }
  return isKnown;
}

function invalid(message: string, cause?: unknown): TrainerError {
  return new TrainerError('config_invalid', message, cause);
}
