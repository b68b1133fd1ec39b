import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { buildRows, missingTool, readRowsCrates } from './build.ts';

const missing = await missingTool();

test.skipIf(missing)(
  `rows.wasm is what \`pnpm --filter shared build:decoders\` makes of its source${missing ? `: ${missing}` : ''}`,
  async () => {
    const built = await readFile(new URL('rows.wasm', import.meta.url));
    expect(Buffer.compare(await buildRows(), built)).toBe(0);
  },
  600_000,
);

test('rows.wasm has these versions of its crates', async () => {
  const crates = await readRowsCrates();
  expect(crates.map(({ name, version }) => `${name} ${version}`)).toEqual([
    'fdeflate 0.3.7',
    'gif 0.14.2',
    'png 0.18.1',
  ]);
});
