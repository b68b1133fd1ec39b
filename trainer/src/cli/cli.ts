import { runCommand } from './run-command.ts';

// What reads the output may end before it does, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await runCommand(process.argv.slice(2), {
  out: (lines) => console.log(lines),
  err: (line) => console.error(line),
});
