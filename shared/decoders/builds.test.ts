import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { compileDecoder, missingTool } from './compile-decoder.ts';
import { dav1dBuild } from './dav1d/build.ts';
import { jpegBuild } from './jpeg/build.ts';
import { lcms2Build } from './lcms2/build.ts';
import { webpBuild } from './webp/build.ts';

const builds = [
  ['dav1d/dav1d.wasm', dav1dBuild],
  ['jpeg/jpeg.wasm', jpegBuild],
  ['webp/webp.wasm', webpBuild],
  ['lcms2/lcms2.wasm', lcms2Build],
] as const;

for (const [file, build] of builds) {
  const missing = await missingTool(build);
  test.skipIf(missing)(
    `${file} is what \`pnpm --filter shared build:decoders\` makes of its source${missing ? `: ${missing}` : ''}`,
    async () => {
      const built = await readFile(new URL(file, import.meta.url));
      expect(Buffer.compare(await compileDecoder(build), built)).toBe(0);
    },
    600_000,
  );
}
