import { describeFields } from '../config/config-fields.ts';
import { configs } from '../config/registry.ts';
import type { TrainConfig } from '../config/train-config.ts';
import { knownDatasets } from '../datasets/open-dataset.ts';
import { BACKENDS } from './option-values.ts';

/** What `--help` prints, with an experiment's values. */
export const help = (config: TrainConfig) => `Usage: pnpm --filter trainer train [options]

Trains a classifier on a network pretrained on ImageNet and exports it for the Worker.

  --data <what>      photos in class folders, cat/1.jpg, or in train, valid and test folders of such;
                     CIFAR's binary files; or ${Object.keys(knownDatasets).join(', ')} (default: cifar10)
  --folders <what>   what the folders in a folder of photos are: classes or splits (default: as
                     their names say)
  --strict           fail at a file that is no image, rather than skip it
  --photos <folder>  real photos in class folders, to measure the finished model on too
  --config <name>    the experiment: ${Object.keys(configs).join(', ')} (default: fast)
  --backend <name>   ${BACKENDS.join(', ')} (default: auto, the fastest that works)
  --threads <n>      of the processor (default: all cores)
  --resume <run>     go on with an interrupted run, named by its folder: 2026-01-31T12-00-00-fast
  --id <id>          id of the model (default: the folder's name, or cifar10)
  --models <folder>  where models go (default: edge/public/models, which the Worker serves)
  --runs <folder>    where checkpoints and logs go (default: trainer/runs)
  --help             this text

Every setting of the experiment can be given, such as --stage2.epochs 3; these are those of ${config.name}:

${describeFields(config)}

       pnpm --filter trainer run find-lr [--stage 2, and all that train takes]
Tries rising learning rates on 1,000 images, and suggests a peak.
  --stage <1 or 2>   which stage's (default: 2)

       pnpm --filter trainer run export [--backbone, --weights, --id, --models, --quantize, --arithmetic, --data]
Exports the pretrained network itself, with ImageNet's 1,000 classes, as the model imagenet.
  --data <folder>    what --quantize mixed measures on (default: CIFAR-10)
  --keras <file>     write weights for Keras instead, as model.weights.h5
  --run <run>        with --keras: those of a run, named by its folder

       pnpm --filter trainer run summary [--backbone, --include-top, --size, --trim, --freeze]
Prints a network's layers and how many weights it has.
  --include-top      with the classifier

       pnpm --filter trainer run predict <images> [--model, --top 5, --json]
Prints what a model sees in images, which are files or urls.
  --model <id>       one of the models, or the folder of one (default: a network pretrained on
                     ImageNet: --backbone, --weights)
  --json             a line of JSON for each image

       pnpm --filter trainer run evaluate <model> [--data, --strict, --models, --json]
Measures a model, by its id or folder, on the test images of a data set.
  --json             all of it in one line of JSON

       pnpm --filter trainer run report <run> [--runs]
Writes a run's report.html anew, also while it is not over. A run is named by its folder.

       pnpm --filter trainer run datasets [<name or path>]
Lists the data sets, or says what is in one: classes, splits, damaged files, repeated images.

       pnpm --filter trainer run doctor
Tries every backend, measures each and says how to add what is missing.

       pnpm --filter trainer run setup [--cuda]
Downloads TensorFlow and builds the native backend, or with --cuda the one for NVIDIA cards.
`;
