import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/**
 * The rooms of each package from the top floor down. A file imports from its own room and from those
 * below it, never upwards, so that whoever knows a file's floor knows what it may touch. Rooms in one
 * list share a floor and do not import each other.
 */
const floors: Readonly<Record<string, readonly (string | readonly string[])[]>> = {
  'trainer/src': [
    ['cli', 'index.ts'],
    'commands',
    'sweeps',
    'review',
    'export',
    'report',
    'training',
    'runs',
    'jobs',
    'evaluation',
    'data',
    'models',
    'datasets',
    'weights',
    'backbones',
    'plan',
    'backends',
    ['backends/native', 'backends/wasm', 'backends/webgpu'],
    'config',
    'programs',
    'files',
    'errors.ts',
    'printable.ts',
  ],
  'edge/src': [
    ['library.ts', 'library-with-jobs.ts', 'library-with-search.ts'],
    'with-search.ts',
    'with-jobs.ts',
    'index.ts',
    'app.ts',
    'routes',
    'jobs',
    'search',
    'classify',
    'feedback',
    'access',
    'input',
    'models',
    'isolate',
    ['env.ts', 'limits.ts', 'problem.ts'],
  ],
  'create/src': ['create.ts', 'write-project.ts'],
  'shared/src': ['search', 'inference', 'images', 'contract'],
};

const MAX_SOURCES = 15;
const MAX_LINES = 300;

const sources = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts'], {
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((file) => !/\.(test|d)\.ts$/.test(file));

const textOf = (file: string) => readFileSync(file, 'utf8');

function importsOf(file: string): string[] {
  const specifiers = textOf(file).matchAll(/(?:\bfrom|\bimport\(?)\s*'(\.{1,2}\/[^']+)'/g);
  return [...specifiers].map(([, specifier = '']) => normalize(join(dirname(file), specifier)));
}

describe.each(Object.entries(floors))('%s', (root, order) => {
  const names = order.flat();
  const inside = sources.filter((file) => file.startsWith(`${root}/`));
  /** The most specific room that a file lies in. */
  const roomOf = (file: string): string => {
    const path = file.slice(root.length + 1);
    const rooms = names.filter((name) => path === name || path.startsWith(`${name}/`));
    const [room] = rooms.toSorted((a, b) => b.length - a.length);
    if (room === undefined) throw new Error(`${file} lies in no room of ${root}; give it a floor.`);
    return room;
  };
  const floorOf = (room: string) => order.findIndex((floor) => [floor].flat().includes(room));

  test('imports go down only', () => {
    const upwards = inside.flatMap((file) =>
      importsOf(file)
        .filter((target) => target.startsWith(`${root}/`) && roomOf(target) !== roomOf(file))
        .filter((target) => floorOf(roomOf(target)) <= floorOf(roomOf(file)))
        .map((target) => `${file} -> ${target}`),
    );
    expect(upwards).toEqual([]);
  });

  test('every room is there', () => {
    expect(names.filter((name) => !inside.some((file) => roomOf(file) === name))).toEqual([]);
  });
});

test(`no folder has more than ${MAX_SOURCES} sources`, () => {
  const counts = Map.groupBy(sources, dirname);
  const crowded = [...counts].filter(([, files]) => files.length > MAX_SOURCES);
  expect(crowded.map(([folder, files]) => `${folder}: ${files.length}`)).toEqual([]);
});

test(`no source has more than ${MAX_LINES} lines`, () => {
  const long = sources.filter((file) => textOf(file).split('\n').length - 1 > MAX_LINES);
  expect(long).toEqual([]);
});
