/**
 * Has real Keras compute the golden files again and compares them with those in the repository.
 *
 *     pnpm --filter trainer parity [--write] [<architecture> ...]
 *
 * `--write` replaces the files, those that Keras saved for the readers too (then run `pnpm format`). It makes a Python environment of its own;
 * the tests read the files and need none.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { preparePython } from '../bench/python-env.ts';
import { runProgram } from '../src/runtime/run-program.ts';
import { writeFileAtomically } from '../src/write-atomically.ts';
import { differences } from './differences.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
});

const python = await preparePython(console.log);
const result = await runProgram(python, [pathOf('golden.py'), ...positionals]);
const computed = result.output.split('\n').filter((line) => line.startsWith('{"name"'));
for (const line of computed) {
  const { name, golden } = JSON.parse(line) as { name: string; golden: unknown };
  const path = pathOf(`golden/${name}.json`);
  if (values.write) {
    await writeFileAtomically(path, `${JSON.stringify(golden, null, 2)}\n`);
    console.log(`${name}: written`);
  } else {
    const found = differences(JSON.parse(await readFile(path, 'utf8')), golden);
    console.log(`${name}: ${found.length === 0 ? 'the same' : found.join('; ')}`);
    if (found.length > 0) process.exitCode = 1;
  }
}
if (result.kind !== 'done') {
  console.error(result.output.split('\n').slice(-20).join('\n'));
  process.exitCode = 1;
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
