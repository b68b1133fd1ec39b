/** Writes `configuration.md` from the schema of experiments: `pnpm --filter docs configuration`. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type ConfigField, configFields, fieldText } from '../trainer/src/config/config-fields.ts';
import { configs } from '../trainer/src/config/registry.ts';

export const configurationFile = fileURLToPath(new URL('configuration.md', import.meta.url));

const SECTIONS = {
  '': 'Network, data and export',
  augment: 'Augmentation',
  stage1: 'Stage 1: the head',
  stage2: 'Stage 2: the whole network',
};

/** The page, a row for each field of an experiment. */
export function configurationPage(): string {
  const sections = Object.entries(SECTIONS).flatMap(([prefix, title]) => [
    `## ${title}`,
    '',
    `| field | what it sets | takes | ${Object.keys(configs).join(' | ')} |`,
    `|---|---|---|${'---|'.repeat(Object.keys(configs).length)}`,
    ...configFields.filter(({ path }) => prefixOf(path) === prefix).map(rowOf),
    '',
  ]);
  return [
    // Wide tables take the place of the outline, and descriptions are not squeezed.
    '---',
    'aside: false',
    'pageClass: wide-tables',
    '---',
    '',
    '# Configuration',
    '',
    '<!-- Written by `pnpm --filter docs configuration` from trainer/src/config/train-config.ts. -->',
    '',
    'Every field of an experiment, what it takes, and its value in each recipe. `--config` chooses the recipe; where none is',
    'named, it is `photos` for a folder and `fast` else. Any field can be set on the command line by its name:',
    '',
    '```sh',
    'graft train --data photos --config best --stage2.epochs 3 --augment.flip=false',
    '```',
    '',
    'A value that the schema does not take is refused before anything is downloaded or trained. The chosen values are part',
    "of the run's log, its report and the model card.",
    '',
    ...sections,
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function prefixOf(path: string): string {
  return path.includes('.') ? path.replace(/\..*/, '') : '';
}

/** More choices than this have a page of their own. */
const MOST_CHOICES = 12;

function rowOf({ path, description, expected, choices }: ConfigField): string {
  const values = Object.values(configs).map((config) => fieldText(config, path) || 'none');
  return `| \`${path}\` | ${cell(description)} | ${choices.length > MOST_CHOICES ? 'a name of [Architectures](architectures.md)' : cell(expected)} | ${values.map(cell).join(' | ')} |`;
}

/** Neither ends the cell nor is taken for markup. */
function cell(text: string): string {
  return text.replace(/[|*_<]/g, '\\$&');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(configurationFile, configurationPage());
}
