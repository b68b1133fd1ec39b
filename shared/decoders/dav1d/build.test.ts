import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { buildDav1d, missingTool } from './build.ts';

const missing = await missingTool();

test.skipIf(missing)(
  `dav1d.wasm is what \`pnpm --filter edge build\` makes of its source${missing ? `: ${missing}` : ''}`,
  async () => {
    const built = await readFile(new URL('dav1d.wasm', import.meta.url));
    expect(Buffer.compare(await buildDav1d(), built)).toBe(0);
  },
  600_000,
);
