import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RootCommand } from '@bomb.sh/tab';
import type { Command, Option } from '../commands/options/command.ts';
import { oneOf, quoted, usage } from '../commands/options/option-values.ts';
import { MODELS, RUNS } from '../commands/options/shared-options.ts';
import { configFields } from '../config/config-fields.ts';
import { moduleUrl } from '../files/module-url.ts';
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
  const cli = fileURLToPath(moduleUrl('cli', import.meta));
  const program = [process.execPath, cli].map(quoted).join(' ');
  if (shell === 'bash') console.log(bashScript(program));
  else commandTree('').setup('graft', program, shell);
}

/**
 * The library's script needs the package bash-completion, which macOS and small images lack, and offers nothing
 * after `=`. This one runs in bash 3.2 as well.
 */
function bashScript(program: string): string {
  return `# bash completion for graft
_graft_complete() {
  local typed=\${COMP_LINE:0:COMP_POINT} words=() text
  read -ra words <<< "$typed"
  [[ $typed == *[[:space:]] ]] && words+=('')
  COMPREPLY=()
  while IFS=$'\\t' read -r text _; do
    [[ $text == :* ]] || COMPREPLY+=("$(printf %q "$text")")
  done < <(${program} complete -- "\${words[@]:1}" 2> /dev/null)
}
complete -F _graft_complete graft`;
}

/**
 * Prints what may follow, for the shell's script.
 *
 * @param words typed after `graft`, the last of them unfinished
 */
export function printCompletions(words: readonly string[]): void {
  const last = words.at(-1) ?? '';
  commandTree(last.replace(/^--[^=]+=/, '')).parse([...words]);
}

/** @param word that is being typed */
function commandTree(word: string): RootCommand {
  const root = new RootCommand();
  for (const command of allCommands) {
    const node = root.command(command.name, command.about);
    for (const [name, { about, value, choices }] of optionsOf(command)) {
      if (value === undefined) node.option(name, about);
      else {
        node.option(name, about, (complete) => {
          for (const text of choices ?? textsFor(value, word)) complete(text, '');
        });
      }
    }
    const { takes } = command;
    if (takes) {
      const offer = (complete: (text: string, about: string) => void) => {
        for (const text of textsFor(takes, word)) complete(text, '');
      };
      node.argument('argument', offer, true);
    }
  }
  const shells = root.command('completion', "Print a shell's completion script");
  shells.argument('shell', (complete) => {
    for (const shell of SHELLS) complete(shell, '');
  });
  return root;
}

type Described = Pick<Option, 'about' | 'value' | 'choices'>;

function optionsOf(command: Command): [name: string, option: Described][] {
  const fields = command.fields ? configFields : [];
  return [
    ...Object.entries<Described>(command.options),
    ...fields.map(({ path, description, choices }): [string, Described] => {
      const value = path === 'weights' ? '<file>' : '<value>';
      return [path, { about: description, value, ...(choices.length > 0 ? { choices } : {}) }];
    }),
    ...Object.entries(HELP_OPTIONS).map(([name, about]): [string, Described] => [name, { about }]),
  ];
}

/** What there is of what an option or a command takes, such as `<run>`. */
function textsFor(takes: string, word: string): string[] {
  if (/run/.test(takes)) return namesIn(RUNS);
  if (/model|id/.test(takes)) return namesIn(MODELS).filter((name) => !name.includes('.'));
  if (!/folder|file|images/.test(takes)) return [];
  const folder = word.replace(/[^/]*$/, '');
  return namesIn(folder || '.').map((name) => folder + name);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}
