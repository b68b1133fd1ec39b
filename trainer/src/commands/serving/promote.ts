import { graft } from '../../files/project.ts';
import { defineCommand } from '../options/command.ts';
import { findModel } from '../options/find-model.ts';
import { oneOf, shareOf } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';

export const promote = defineCommand({
  name: 'promote',
  about: 'Serve another version of a model, to a share of the clients or all',
  details:
    'Versions lie beside each other in the folder of models, as train --candidate writes them, and index.json there says ' +
    'which one is served. With --data it must not be worse than the current one on the images that were held out.',
  takes: '<model>@<version>',
  examples: [
    ['promote pets@0b2e8a6c1d3f --data photos', 'unless worse'],
    ['promote pets@0b2e8a6c1d3f --share 0.1', 'to a tenth of the clients'],
    ['promote pets@0b2e8a6c1d3f --shadow', 'to nobody: log where it differs'],
  ],
  options: {
    share: {
      group: 'Trial',
      value: '<share>',
      about: 'of the clients; each sees one version',
      otherwise: 'all, with no trial',
      parse: (text, name) => shareOf(text, name),
    },
    shadow: {
      group: 'Trial',
      about: 'compute beside the current version, after its response, and log both',
    },
    data: { ...shared.data.data, otherwise: 'no comparison' },
    force: { group: 'Data', about: 'promote it though it is worse' },
    ...shared.models,
    ...shared.compute,
  },
  async run({ values, positionals, say }) {
    const { promoteVersion } = await import('../../models/models-index.ts');
    const reference = oneOf(positionals, 'version');
    const { share = 1, shadow, data, force, threads } = values;
    if (data !== undefined && share === 1 && !shadow) {
      const { startBackend } = await import('../../backends/start-backend.ts');
      const evaluation = await import('../../evaluation/compare-models.ts');
      const models = values.models ?? shared.MODELS;
      const directory = await findModel(models, reference);
      const against = await findModel(models, reference.split('@', 1)[0] as string);
      await startBackend(values.backend, say, { threads });
      const { signal } = new AbortController();
      const options = { data, strict: false, signal, say };
      const comparison = await evaluation.compareModels(directory, against, options);
      say(evaluation.formatComparison(comparison));
      if (!force) evaluation.requireNoWorse(comparison);
    }
    const trial = { share, shadow };
    const { current, former } = await promoteVersion(
      values.models ?? shared.MODELS,
      reference,
      trial,
    );
    const clients =
      share === 1 ? 'all clients' : `${Math.round(share * 1000) / 10} % of the clients`;
    const { id } = current.card;
    if (shadow) {
      say(
        `${reference} computes the images of ${clients} too; ${former.version} answers, and the log compares them.`,
      );
    } else if (share < 1) {
      say(`${reference} answers ${clients}, and ${former.version} the others.`);
    } else say(`${reference} is the current version; before it was ${former.version}.`);
    say(`Deploy it: ${graft('deploy')}; take it back: ${graft(`rollback ${id}`)}`);
  },
});
