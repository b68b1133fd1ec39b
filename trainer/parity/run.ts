/**
 * Checks against real Keras and TensorFlow: recomputes the golden files and compares them with the
 * repository's; has Keras save whole networks in each of its formats, which must read back bit for
 * bit; has it load weights that are written here; and has TensorFlow compute with the models of the
 * repository.
 *
 *     pnpm --filter trainer parity [--write] [<architecture> ...]
 *
 * `--write` replaces the files instead, those of the small network in round-trip/ and odd-weights/
 * too; then run `pnpm format`. It makes a Python environment of its own; the tests read the files
 * and need none.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { backbones } from '../src/backbones/registry.ts';
import type { BackboneName } from '../src/config/backbone-names.ts';
import { writeFileAtomically } from '../src/files/write-atomically.ts';
import { preparePython } from '../src/programs/python-environment.ts';
import { runProgram } from '../src/programs/run-program.ts';
import { checkGraphModel } from './check-graph-model.ts';
import { differences } from './differences.ts';
import { checkRoundTrip, checkWritten } from './round-trip.ts';

// One for each way of naming layers: all named, only convolutions named, layers of a special kind.
const ROUND_TRIPS: readonly BackboneName[] = ['mobilenetv2', 'xception', 'efficientnetb0'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
});

const python = await preparePython(console.log);
const choice = values.write ? ['--choose'] : [];
for (const line of (await runPython('golden.py', [...choice, ...positionals])).split('\n')) {
  // The line among TensorFlow's own messages.
  if (!line.startsWith('{"name"')) continue;
  const { name, golden } = JSON.parse(line) as { name: string; golden: unknown };
  const path = pathOf(`golden/${name}.json`);
  if (values.write) {
    await writeFileAtomically(path, `${JSON.stringify(golden, null, 2)}\n`);
    console.log(`${name}: written`);
  } else {
    report(name, differences(JSON.parse(await readFile(path, 'utf8')), golden));
  }
}
if (values.write) {
  await runPython('round_trip.py', [pathOf('round-trip')]);
  await runPython('odd_weights.py', [pathOf('odd-weights')]);
} else {
  for (const name of ROUND_TRIPS) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const save = async (folder: string) => void (await runPython('round_trip.py', [folder, name]));
    report(`${backbones[name].title}, saved and read`, await checkRoundTrip(name, save));
    const load = (folder: string) => runPython('round_trip.py', ['--load', folder, name]);
    report(`${backbones[name].title}, written and loaded`, await checkWritten(name, load));
  }
  for (const model of ['imagenet', 'cifar10']) {
    const compute = (directory: string) => runPython('graph_model.py', [directory]);
    const directory = pathOf(`../../edge/public/models/${model}`);
    report(`model ${model}, in TensorFlow`, await checkGraphModel(directory, compute));
  }
}

function report(name: string, found: readonly string[]): void {
  console.log(`${name}: ${found.length === 0 ? 'the same' : found.join('; ')}`);
  if (found.length > 0) process.exitCode = 1;
}

async function runPython(script: string, args: readonly string[]): Promise<string> {
  const { kind, output } = await runProgram(python, [pathOf(script), ...args]);
  if (kind !== 'done') throw new Error(`${script} failed:\n${output}`);
  return output;
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
