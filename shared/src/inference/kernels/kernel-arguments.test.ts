import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tiles } from '../../../tiles/tiles.ts';
import { kernelArguments } from './kernel-arguments.ts';

/** Of the functions that AssemblyScript's sources export. */
function parametersInSources(): Map<string, string[]> {
  const folder = new URL('../../../kernels/cnn/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const written = files.map((file) => readFileSync(new URL(file, folder), 'utf8'));
  const sources = [...written, ...Object.values(tiles)].join('\n');
  const functions = sources.matchAll(/export function (\w+)\(([^)]*)\)/g);
  return new Map(
    Array.from(functions, ([, name = '', parameters = '']) => [
      name,
      Array.from(parameters.matchAll(/(\w+):/g), ([, parameter = '']) => parameter),
    ]),
  );
}

test.each(Object.entries(kernelArguments))('%s takes these arguments', (name, order) => {
  expect(parametersInSources().get(name)).toEqual(order);
});
