import { kernelCalls, kernelClasses } from './arguments.ts';
import { codeLines } from './code-lines.ts';
import { codeTile } from './code-tile.ts';
import { depthwiseLines } from './depthwise-lines.ts';
import { int8Rows } from './int8-rows.ts';
import { int8Tile } from './int8-tile.ts';
import { matrixTiles } from './matrix-tiles.ts';
import { quantizedRows } from './quantized-rows.ts';
import { sparseTiles } from './sparse-tiles.ts';

/** AssemblyScript by its file in kernels/cnn/tiles. */
export const tiles: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    'arguments.ts': kernelClasses,
    'calls.ts': kernelCalls,
    'code-lines.ts': codeLines,
    'code-tile.ts': codeTile,
    'depthwise-lines.ts': depthwiseLines,
    'int8-rows.ts': int8Rows,
    'int8-tile.ts': int8Tile,
    'matrix-tiles.ts': matrixTiles,
    'quantized-rows.ts': quantizedRows,
    'sparse-tiles.ts': sparseTiles,
  }).map(([file, write]) => [
    file,
    `// AssemblyScript that shared/tiles/${file} wrote, which explains it.\n\n${write()}\n`,
  ]),
);
