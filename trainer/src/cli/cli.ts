#!/usr/bin/env node
import '../files/float16-array.ts';
import { styleText } from 'node:util';
import { runCommand } from './run-command.ts';

// What reads the output may end before it does, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const { columns, isTTY } = process.stdout;
// Plain in a pipe, and where NO_COLOR is set.
const hasColors = styleText('bold', 'x', { stream: process.stdout }) !== 'x';

process.exitCode = await runCommand(process.argv.slice(2), {
  out: (lines) => console.log(lines),
  err: (line) => console.error(styleText('red', line, { stream: process.stderr })),
  ...(isTTY ? { layout: { columns: Math.min(columns, 120), hasColors } } : {}),
});
