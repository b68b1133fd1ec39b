import { styleText } from 'node:util';
import { Command as Program } from 'commander';
import type { Command } from '../commands/options/command.ts';
import { project } from '../files/project.ts';
import { commandGroups } from './all-commands.ts';
import { type Extent, hasMore, type Layout, toCommander } from './to-commander.ts';

/** A command's help text: what it does, its options by group, examples. */
export function commandHelp(command: Command, extent: Extent, layout: Layout): string {
  const program = toCommander(command, extent);
  const width = Math.max(...command.examples.map(([typed]) => typed.length)) + 2;
  const examples = command.examples.map(
    ([typed, about]) => `  graft ${typed.padEnd(width)}${about}`,
  );
  const more = hasMore(command) && !extent.all ? [`More: graft ${command.name} --help-all`] : [];
  return layOut(program, ['Examples:', ...examples, ...more], layout);
}

/** What `graft --help` prints: every command, a line each. */
export function programHelp(layout: Layout): string {
  const program = new Program('graft')
    .usage('<command> [options]')
    .description('Trains an image classifier of your own and serves it from the edge.')
    .helpOption(false)
    .helpCommand(false);
  for (const [heading, commands] of Object.entries(commandGroups)) {
    for (const { name, about } of commands) {
      program.command(name).helpGroup(heading).description(about).usage('').helpOption(false);
    }
  }
  const more = [
    'More:',
    '  graft                        what to do next in this folder',
    '  graft <command> --help       its options and three examples',
    '  graft completion <shell>     completion for bash, zsh, fish or powershell',
    `Here, type ${project.command} for graft.`,
    'Exit codes: 0 done; 1 something to mend, which a line says; 130 interrupted.',
  ];
  return layOut(program, more, layout);
}

function layOut(program: Program, more: readonly string[], layout: Layout): string {
  const [heading = '', ...lines] = more;
  const paint = (format: 'bold' | 'cyan', text: string) =>
    layout.hasColors ? styleText(format, text, { validateStream: false }) : text;
  program.configureHelp({
    helpWidth: layout.columns,
    optionDescription: ({ description }) => description,
    styleTitle: (text) => paint('bold', text),
    styleOptionTerm: (text) => paint('cyan', text),
    styleSubcommandTerm: (text) => paint('cyan', text),
  });
  program.configureOutput({
    getOutHelpWidth: () => layout.columns,
    getOutHasColors: () => layout.hasColors,
  });
  return [program.helpInformation().trimEnd(), '', paint('bold', heading), ...lines].join('\n');
}
