import { graft } from '../../files/project.ts';
import { defineCommand } from '../options/command.ts';
import { oneOf } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';

export const rollback = defineCommand({
  name: 'rollback',
  about: 'Return to the version of a model that was served before',
  details:
    'Without a version it ends the trial of a candidate, or else returns to the version before the current one.',
  takes: '<model>',
  examples: [
    ['rollback pets', 'to the version before'],
    ['rollback pets@0b2e8a6c1d3f', 'to this one'],
    ['rollback pets --models other/models', 'of another folder'],
  ],
  options: shared.models,
  async run({ values, positionals, say }) {
    const { rollBack } = await import('../../models/models-index.ts');
    const reference = oneOf(positionals, 'model');
    const { current, former } = await rollBack(values.models ?? shared.MODELS, reference);
    const left = former ? `; ${former.version} serves no request that does not name it` : '';
    say(`The current version of ${current.card.id} is ${current.version}${left}.`);
    say(`Deploy it: ${graft('deploy')}`);
  },
});
