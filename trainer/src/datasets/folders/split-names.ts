/** What a folder of a data set is used for. */
export type Role = SplitName | 'unlabelled';
export type SplitName = 'train' | 'validation' | 'test';

/** Names of the folders of each role; where several exist, the first is used. */
const WORDS: Readonly<Record<Role, readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['validation', 'valid', 'val', 'dev', 'eval', 'evaluation'],
  test: ['test', 'testing', 'tests'],
  unlabelled: [
    ...['pred', 'predict', 'prediction', 'predictions', 'inference'],
    ...['unlabeled', 'unlabelled'],
  ],
};

/** Words that may stand beside a split's name and add no meaning, as in `training_set`. */
const PLAIN: ReadonlySet<string> = new Set([
  ...['set', 'data', 'dataset', 'split', 'folder', 'samples', 'all', 'unknown'],
  ...['image', 'images', 'img', 'imgs', 'photos', 'pictures', 'pics'],
]);

/** Ends of compound words: `trainset`, `testdata`. */
const END = /(?:set|data|dataset|images|imgs)$/;

interface Reading {
  readonly role: Role;
  /** What else the name says: `seg` of `seg_train`. */
  readonly stem: string;
  /** Its position among the words for its role. */
  readonly rank: number;
}

/**
 * Which folders beside each other may be splits of a data set, by their names: `train`, `Training
 * Set`, `test2017`. A name with another word in it, such as `seg_train`, is a split only where
 * another agrees: `seg_test` beside it.
 *
 * @returns roles by name; of several with the same role, the one to use comes first
 */
export function rolesOf(names: readonly string[]): Map<string, Role> {
  const readings = new Map<string, Reading>();
  for (const name of names) {
    const reading = readName(name);
    if (reading) readings.set(name, reading);
  }
  const all = [...readings.values()];
  const hasRole = (role: Role, stem: string) =>
    all.some((one) => one.role === role && one.stem === stem);
  const agrees = ({ role, stem }: Reading) => {
    // `prediction` alone is a class like any other.
    if (role === 'unlabelled') return hasRole('train', stem);
    return (
      stem === '' ||
      (role === 'train' ? ['validation', 'test'] : ['train']).some((other) =>
        hasRole(other as Role, stem),
      )
    );
  };
  return new Map(
    [...readings]
      .filter(([, reading]) => agrees(reading))
      .sort(([, a], [, b]) => a.rank - b.rank)
      .map(([name, { role }]) => [name, role]),
  );
}

/** Whether the only folder inside a split's folder adds no meaning, as in `test/test` or `train/images`. */
export function isPlainName(name: string): boolean {
  const words = wordsOf(name);
  const isPlain = words.length > 0 && words.every((word) => PLAIN.has(word));
  return isPlain || readName(name)?.stem === '';
}

function readName(name: string): Reading | undefined {
  const found: Pick<Reading, 'role' | 'rank'>[] = [];
  const rest: string[] = [];
  for (const word of wordsOf(name)) {
    const split = readWord(word) ?? readWord(word.replace(END, ''));
    if (split) found.push(split);
    else if (!PLAIN.has(word)) rest.push(word);
  }
  const [first] = found;
  // `train_val` could be either.
  return first && found.length === 1 ? { ...first, stem: rest.join(' ') } : undefined;
}

function readWord(word: string): Pick<Reading, 'role' | 'rank'> | undefined {
  for (const role of Object.keys(WORDS) as Role[]) {
    const rank = WORDS[role].indexOf(word);
    if (rank >= 0) return { role, rank };
  }
  return undefined;
}

/** In lower case, without numbers: `seg`, `train` of `SegTrain2017`. */
function wordsOf(name: string): string[] {
  return name
    .normalize('NFC')
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{M}]+/u)
    .filter(Boolean);
}
