// Writes the AssemblyScript whose loops are unrolled, for the compiler to read.
import { mkdirSync, writeFileSync } from 'node:fs';
import { tiles } from './tiles.ts';

const folder = new URL('../kernels/cnn/tiles/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [file, source] of Object.entries(tiles)) writeFileSync(new URL(file, folder), source);
