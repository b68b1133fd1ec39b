// Writes the AssemblyScript whose loops are unrolled.
import { writeFileSync } from 'node:fs';
import { tiles } from './tiles.ts';

for (const [file, source] of Object.entries(tiles))
  writeFileSync(new URL(`../kernels/cnn/tiles/${file}`, import.meta.url), source);
