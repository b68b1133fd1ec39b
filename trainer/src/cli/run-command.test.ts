import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { expect, test } from 'vitest';
import { runCommand } from './run-command.ts';

const cli = fileURLToPath(new URL('cli.ts', import.meta.url));

/** Runs a command in this process. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runCommand(args, {
    out: (lines) => {
      out += `${lines}\n`;
    },
    err: (line) => {
      err += `${line}\n`;
    },
  });
  return { code, out, err };
}

test.each([
  [['train', '--data', '/dev/zero'], /^Expected a folder .* neither a folder nor a file\.\n$/],
  [
    ['datasets', '/no/\u001b[31msuch\n\u202e'],
    /^Expected a folder of images, .* there is nothing at \/no\/\\u001b\[31msuch\\u000a\\u202e\.\n$/,
  ],
  [
    ['datasets', '/tmp', '--folders', 'both'],
    /^Expected one of classes, splits for --folders, but got both\. See --help\.\n$/,
  ],
  [['fly'], /^There is no command fly\. See --help\.\n$/],
  [['trian'], /^There is no command trian; did you mean train\? See --help\.\n$/],
  [['fit', '--data', 'x'], /^There is no command fit; did you mean train\? See --help\.\n$/],
  [['test'], /^There is no command test; did you mean evaluate <model>\? See --help\.\n$/],
  [
    ['train', 'my photos'],
    /^Expected no argument after train, but got my photos: images are given by --data 'my photos'\. See/,
  ],
  [['train', 'photos.zip'], /^Expected no argument after train, .* --data photos\.zip\. See/],
  [['train', 'stage2.epochs=3'], /^Expected no argument .*; did you mean --stage2\.epochs=3\? See/],
  [['doctor', 'now'], /^Expected no argument after doctor, but got now\. See --help\.\n$/],
  [
    ['train', '--epochs', '3'],
    /^There is no option --epochs: each stage has its epochs, --stage1\.epochs and --stage2\.epochs\. See/,
  ],
  [['train', '--lr', '1e-3'], /^There is no option --lr: each .* --stage1\.peakLearningRate and/],
  [['train', '--learning_rate=1e-3'], /^There is no option --learning_rate: each stage .*find-lr/],
  [
    ['train', '--batch-size', '8'],
    /^There is no option --batch-size: .* --stage2\.batchSize\. See/,
  ],
  [['train', '-b', '8'], /^There is no option -b: .* --stage2\.batchSize\. See/],
  [
    ['train', '--output', 'x'],
    /^The command train takes no option --output: models go to --models <folder>, /,
  ],
  [['train', '--output_dir=x'], /^There is no option --output_dir: models go to --models <folder>/],
  [['train', '--dataset', 'x'], /^There is no option --dataset: images are given by --data /],
  [
    ['train', '--device', 'cuda:0'],
    /^There is no option --device: .* --backend <name>, such as cuda/,
  ],
  [['train', '--imgsz', '96'], /^There is no option --imgsz: .* is --size <pixels>\. See/],
  [
    ['train', '--model', 'resnet50'],
    /^The command train takes no option --model: the pretrained network is chosen by --backbone <name>\. See/,
  ],
  [['train', '--top', '3'], /^The command train takes no option --top\. See --help\.\n$/],
  [['summary', '--data', 'x'], /^The command summary takes no option --data\. See --help\.\n$/],
  [['train', '--data', ''], /^Expected a value for --data, but got an empty text\. See/],
  [['train', '--config'], /^Option '--config <value>' argument missing.* See --help\.\n$/],
  [
    ['train', '--config', 'huge'],
    /^Expected one of fast, \w+(, \w+)* for --config, but got huge\. See --help\.\n$/,
  ],
  [
    // A name that every object has.
    ['train', '--config', 'toString', '--backend', 'gpu'],
    /^Expected one of fast, \w+(, \w+)* for --config, but got toString\. See --help\.\n$/,
  ],
  [
    ['train', '--id', 'No Such Id', '--backend', 'gpu'],
    /^Expected .* for --id, but got No Such Id\. See --help\.\n$/,
  ],
  [
    ['train', '--config', 'smoke', '--backend', 'gpu'],
    /^Expected one of auto, cuda, native, webgpu, wasm, cpu for --backend, but got gpu\. See --help\.\n$/,
  ],
  [
    ['export', '--backend', 'gpu'],
    /^Expected one of auto, cuda, native, webgpu, wasm, cpu for --backend, but got gpu\. See --help\.\n$/,
  ],
  [
    ['train', '--config', 'smoke', '--threads', 'all'],
    /^Expected a whole number from 1 for --threads, but got all\. See --help\.\n$/,
  ],
  [
    ['train', '--config', 'smoke', '--threads', '1025'],
    /^Expected a whole number up to 1024 for --threads, but got 1025\. See --help\.\n$/,
  ],
  [
    ['train', '--backbone', 'resnet9000'],
    /^Expected one of .* for --backbone, but got resnet9000\./,
  ],
  [['summary', '--freeze', 'all'], /^Expected a number of layers .* no layer matches all; /],
  [
    ['train', '--stage2.epochs', 'x1'],
    /^Expected a whole number from 0 for --stage2\.epochs, but got x1\. See --help\.\n$/,
  ],
  [
    ['train', '--resume', '/no/such/run', '--size', '96'],
    /^Expected no --size with --resume, which goes on as the run began\. See --help\.\n$/,
  ],
  [
    ['summary', '--trim', 'block9a'],
    /^Expected the name or index of a layer, .* but got block9a; /,
  ],
  [
    ['train', '--confg', 'best'],
    /^There is no option --confg; did you mean --config\? See --help\.\n$/,
  ],
  [['train', '--strict=yes'], /^Option '--strict' does not take an argument\. See --help\.\n$/],
  [['train', '--id', '--strict'], /^A value that begins with - goes after =, as in --id=-1\./],
  [
    ['--data', 'photos', 'train'],
    /^Expected a command before --data, as in train --data\. See --help\.\n$/,
  ],
  [['help', 'fly'], /^There is no command fly\. See --help\.\n$/],
  [['completion', 'tcsh'], /^Expected one of bash, zsh, .* but got tcsh\. See --help\.\n$/],
  [['completion'], /^Expected one shell of bash, .*, but got none\. See --help\.\n$/],
  [['runs', 'a'], /^Expected no run or two to compare, but got a\. See --help\.\n$/],
  [['runs', 'a', 'b', '--runs', '/no'], /^There is no run a in \/no: there are no runs\.\n$/],
  [['train', '--nonsense'], /^There is no option --nonsense\. See --help\.\n$/],
  [
    ['train', '--stage2.epochs', '-1'],
    /^A value that begins with - goes after =, as in --stage2\.epochs=-1\. See --help\.\n$/,
  ],
  [['predict', 'a.jpg', '--top=-3'], /^Expected a whole number from 1 for --top, but got -3\./],
  [
    ['train', '--weights', '/no/such/file'],
    /^Expected weights of Keras .* or safetensors at \/no\/such\/file, but there is no such file\.\n$/,
  ],
  [
    ['train', '--data', '/no/such/photos'],
    /^Expected a folder of images, a zip file of one, a list of images \(.csv, .tsv\), or one of cifar10, cifar100, for --data, but there is nothing at \/no\/such\/photos\.\n$/,
  ],
  [
    ['train', '--data', 'cifar-10'],
    /, but there is nothing at .*cifar-10; did you mean cifar10\?\n$/,
  ],
  [['train', '--data', cli], /, but .*cli\.ts is a file: name the folder that it is in\.\n$/],
  [['train', '--data', 'https://x.y/photos.zip'], /, but got the url .*: download and unpack it, /],
  [['datasets', '/no/such/photos'], /, but there is nothing at \/no\/such\/photos\.\n$/],
  [['predict'], /^Expected images, as files, folders or urls, but got none\. See --help\.\n$/],
  [
    ['predict', '/no/such/photo.jpg'],
    /^Expected an image at \/no\/such\/photo\.jpg, but there is no such file\.\n$/,
  ],
  [['evaluate', 'cifar_10'], /^There is no model cifar_10 in .*; did you mean cifar10\?\n$/],
  [['evaluate', 'Imagenet'], /^There is no model Imagenet in .*; did you mean imagenet\?\n$/],
  [['report', 'none', '--runs', '/no'], /^There is no run none in \/no: there are no runs\.\n$/],
  [
    ['evaluate', cli],
    /^Expected a model .*cli\.ts, but it is not a folder: pass the folder that contains model/,
  ],
  [['evaluate'], /^Expected one model, but got none\. See --help\.\n$/],
  [['evaluate', './none'], /^Expected a model of this trainer at .*none, but .*\.\n$/],
  [['report', 'a', 'b'], /^Expected one run, but got a, b\. See --help\.\n$/],
  [
    ['report', '/no/such/run'],
    /^Expected the folder of a run with a readable log\.jsonl at \/no\/such\/run, but there is none\.\n$/,
  ],
  [
    ['train', '--resume', '/no/such/run'],
    /^Expected a checkpoint at \/no\/such\/run\/checkpoint\.safetensors, but .*\.\n$/,
  ],
])('answers %j with one line and exit code 1', async (args, line) => {
  const { code, out, err } = await run(...args);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(line);
});

// A folder of its own: beside the repository's models are those that its user has trained.
test('names the models that there are', async () => {
  const models = join(await temporaryFolder(), 'models');
  for (const name of ['cifar10', 'cifar10-fast', 'imagenet']) {
    await mkdir(join(models, name), { recursive: true });
    await writeFile(join(models, name, 'model.json'), '');
  }
  const { code, out, err } = await run(
    ...['predict', 'photo.jpg', '--model', 'none', '--models', models],
  );
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(
    /^There is no model none in .*models: there are cifar10, cifar10-fast, imagenet\.\n$/,
  );
});
