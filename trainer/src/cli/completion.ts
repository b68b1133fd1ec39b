import { fileURLToPath } from 'node:url';
import { RootCommand } from '@bomb.sh/tab';
import type { Command, Option } from '../commands/options/command.ts';
import { oneOf, quoted, usage } from '../commands/options/option-values.ts';
import { configFields } from '../config/config-fields.ts';
import { allCommands, HELP_OPTIONS } from './all-commands.ts';

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'];

/**
 * Prints the script that a shell sources to complete `graft`.
 *
 * @throws TrainerError `config_invalid` for a shell that there is none for
 */
export function printCompletionScript(positionals: readonly string[]): void {
  const shell = oneOf(positionals, `shell of ${SHELLS.join(', ')}`);
  if (!SHELLS.includes(shell)) {
    throw usage(`Expected one of ${SHELLS.join(', ')} after completion, but got ${shell}.`);
  }
  const cli = fileURLToPath(new URL('cli.ts', import.meta.url));
  commandTree().setup('graft', [process.execPath, cli].map(quoted).join(' '), shell);
}

/** Prints what may follow, for the shell's script. @param words typed after `graft`, the last of them unfinished */
export function printCompletions(words: readonly string[]): void {
  commandTree().parse([...words]);
}

function commandTree(): RootCommand {
  const root = new RootCommand();
  for (const command of allCommands) {
    const node = root.command(command.name, command.about);
    for (const [name, option] of optionsOf(command)) {
      const { about, value, choices = [] } = option;
      if (value === undefined) node.option(name, about);
      else {
        node.option(name, about, (complete) => {
          for (const choice of choices) complete(choice, '');
        });
      }
    }
  }
  const shells = root.command('completion', "Print a shell's completion script");
  shells.argument('shell', (complete) => {
    for (const shell of SHELLS) complete(shell, '');
  });
  return root;
}

function optionsOf(command: Command): [name: string, option: Omit<Option, 'group'>][] {
  return [
    ...Object.entries(command.options),
    ...(command.fields ? configFields : []).map(
      ({ path, description, choices }) =>
        [path, { about: description, value: '<value>', choices }] as [
          string,
          Omit<Option, 'group'>,
        ],
    ),
    ...Object.entries(HELP_OPTIONS).map(
      ([name, about]) => [name, { about }] as [string, { about: string }],
    ),
  ];
}
