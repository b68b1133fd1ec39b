import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Addition } from '../../export/adding/add-class.ts';
import { formatPercent } from '../../files/progress.ts';
import { graft } from '../../files/project.ts';
import { defineCommand } from '../options/command.ts';
import { findModel } from '../options/find-model.ts';
import { nameOf, oneOf, pathOf, usage } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';
import { trainedOn } from '../options/trained-on.ts';

export const add = defineCommand({
  name: 'add',
  about: 'Add a class to a finished model from five photos or more',
  details:
    'Nothing is trained. It says what the other classes lose before it writes anything. The new version becomes the current one; ' +
    'graft rollback returns to the one before.',
  takes: '<class>',
  examples: [
    ['add lynx --from lynxes --model pets', 'asks first'],
    ['add lynx --from lynxes --model pets --data photos', 'if its run is gone'],
    ['add lynx --from lynxes --model pets --yes', 'asks nothing'],
  ],
  options: {
    from: { group: 'Data', value: '<folder>', about: 'photos of the class', parse: pathOf },
    data: { ...shared.data.data, about: 'what trained the model', otherwise: 'as its run has it' },
    model: { group: 'Network', value: '<model>', about: 'its id or folder', parse: nameOf },
    yes: { group: 'Output', about: 'write it without asking' },
    candidate: { group: 'Output', about: 'leave the version before the current one' },
    ...shared.models,
    ...shared.runs,
    ...shared.compute,
  },
  async run({ values, positionals, say, report }) {
    const label = oneOf(positionals, 'class');
    const { from, model, threads, candidate } = values;
    if (from === undefined || model === undefined) {
      throw usage(
        `Expected --from and --model, but got no --${from === undefined ? 'from' : 'model'}.`,
      );
    }
    const directory = await findModel(values.models ?? shared.MODELS, model);
    const runs = values.runs ?? shared.RUNS;
    const data = values.data ?? (await trainedOn(runs, directory))?.data;
    if (data === undefined) {
      throw usage(
        `Expected --data with the images that trained ${model}, since its run is not in ${runs}.`,
      );
    }
    const { startBackend } = await import('../../backends/start-backend.ts');
    const { addClass } = await import('../../export/adding/add-class.ts');
    const { writeModelDirectory } = await import('../../export/write-model-directory.ts');
    const { promoteVersion } = await import('../../models/models-index.ts');
    await startBackend(values.backend, () => {}, { threads });
    const { signal } = new AbortController();
    const addition = await addClass(directory, { label, from, data, signal, say, report });
    say(describe(addition));
    if (!values.yes && !(await isWanted())) return say('Nothing was written.');
    const models = dirname(directory);
    const target = join(models, addition.draft.id);
    const written = await writeModelDirectory(target, addition.model, addition.draft, true);
    const reference = basename(written.directory);
    say(`Model written to ${written.directory}.`);
    if (candidate)
      return say(`It serves no request until it is promoted: ${graft(`promote ${reference}`)}`);
    await promoteVersion(models, reference, { share: 1, shadow: false });
    say(
      `It is the current version of ${addition.draft.id}; take it back: ${graft(`rollback ${addition.draft.id}`)}`,
    );
  },
});

function describe({ added, recognized }: Addition): string {
  const { label, photos, old } = added;
  const lost = (old.before - old.after) * 100;
  return [
    `${label}: ${recognized} of ${photos} photos are recognized by the others.`,
    `The other classes lose ${lost.toFixed(1)} points, as ${old.images} images say that were not trained on: from ${formatPercent(old.before)} to ${formatPercent(old.after)}.`,
  ].join('\n');
}

/** @throws TrainerError `config_invalid` where nobody can be asked */
async function isWanted(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw usage('Expected --yes, since there is no terminal to ask on; nothing was written.');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question('Write it? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}
