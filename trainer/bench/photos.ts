/**
 * How models do on real photos, beside their benchmark figures.
 *
 *     pnpm --filter trainer bench:photos --data <folder> [--model <id or folder>] [--peer no]
 *
 * The folder has a folder of photos for each class, with the label as its name; other names are
 * refused. Every photo is decoded, resized and predicted as in serving, among all of the model's
 * classes. Without `--model` all models of `edge/public/models` that have these classes are
 * measured.
 *
 * The peer, for models of CIFAR-10, is a linear head on the pretrained trunk as it is, fitted to
 * 6,000 images: what fine-tuning starts from, and should not fall below. Wrongly predicted photos
 * are listed with their predictions; look at them, since a photo may be in the wrong folder. The
 * last line is JSON.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reportFigures } from 'shared/bench/report-figures';
import { modelsIndex } from 'shared/contract/models-index';
import { startBackend } from '../src/backends/start-backend.ts';
import { fast } from '../src/config/fast.ts';
import { TrainerError } from '../src/errors.ts';
import {
  benchmarkOf,
  listPhotos,
  measurePhotos,
  type PhotoResult,
} from '../src/evaluation/measure-photos.ts';
import { formatPercent } from '../src/files/progress.ts';
import { fromUser } from '../src/files/project.ts';
import { loadModel } from '../src/models/load-model.ts';
import { fitLinearPeer } from './linear-peer.ts';

const MODELS = fileURLToPath(new URL('../../edge/public/models', import.meta.url));
const CIFAR10 = 'airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck';

type Row = PhotoResult & { readonly model: string; readonly benchmark: string };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      record: { type: 'boolean' },
      data: { type: 'string' },
      model: { type: 'string' },
      peer: { type: 'string', default: 'yes' },
    },
  });
  if (values.data === undefined) {
    throw new TrainerError('config_invalid', 'Expected --data <folder of photos>.');
  }
  const path = fromUser(values.data);
  const backend = await startBackend('auto', console.log);
  const rows: Row[] = [];
  let peerSize: number | undefined;
  let refusal: unknown;
  for (const directory of await directoriesOf(values.model)) {
    const model = await loadModel(directory);
    const { card } = model;
    try {
      const labels = card.labels.map(({ name }) => name);
      const folder = await listPhotos(path, labels).catch((error: unknown) => {
        refusal = error;
        return undefined;
      });
      if (!folder) continue;
      rows.push({
        model: card.id,
        benchmark: benchmarkOf(card),
        ...(await measurePhotos(model, folder)),
      });
      if (labels.join() === CIFAR10) peerSize ??= card.preprocess.size;
    } finally {
      model.dispose();
    }
  }
  if (rows.length === 0) throw refusal;
  if (peerSize !== undefined && values.peer === 'yes') {
    const peer = await fitLinearPeer({ ...fast, size: peerSize }, backend.name);
    const folder = await listPhotos(path, CIFAR10.split(','));
    const benchmark = `${formatPercent(peer.accuracy)} of ${peer.images} of CIFAR-10, test`;
    rows.push({
      model: `a linear head on ImageNet's trunk, ${peerSize} px`,
      benchmark,
      ...(await measurePhotos(peer, folder)),
    });
    peer.dispose();
  }
  await print(path, rows);
}

/** One model by its id or path, or all that the Worker serves. */
async function directoriesOf(model: string | undefined): Promise<string[]> {
  if (model?.includes('/')) return [fromUser(model)];
  if (model !== undefined) return [join(MODELS, model)];
  const index = modelsIndex.parse(JSON.parse(await readFile(join(MODELS, 'index.json'), 'utf8')));
  return index.models.map((id) => join(MODELS, id));
}

async function print(path: string, rows: readonly Row[]): Promise<void> {
  console.log(`\n${rows[0]?.photos} photos of ${path}`);
  for (const { model, right, photos, probability, logLoss, benchmark } of rows) {
    console.log(
      `${model}: ${right} of ${photos} right, mean probability ${probability.toFixed(3)}, log loss ${logLoss.toFixed(2)}; ${benchmark}`,
    );
  }
  for (const { model, wrong } of rows) {
    if (wrong.length > 0) console.log(`\nWrong with ${model}:`);
    for (const { photo, predicted, probability } of wrong) {
      console.log(`  ${photo}: ${predicted}, ${formatPercent(probability)}`);
    }
  }
  const figures = rows.map(({ wrong: _, ...figures }) => figures);
  await reportFigures('trainer bench:photos', { data: basename(path), models: figures });
}

await main().catch((error: unknown) => {
  if (!(error instanceof TrainerError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});
