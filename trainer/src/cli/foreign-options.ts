const BOTH = (field: string) => `--stage1.${field} and --stage2.${field}`;

/** What options of other programs are called here, by their names without marks between words. */
const MEANT: Readonly<Record<string, string>> = Object.fromEntries(
  (
    [
      [
        ['lr', 'learningrate', 'lr0', 'baselr', 'maxlr'],
        `each stage has its peak learning rate, ${BOTH('peakLearningRate')}, and "find-lr" suggests one`,
      ],
      [
        ['epochs', 'epoch', 'numepochs', 'nepochs', 'e', 'maxepochs', 'numtrainepochs'],
        `each stage has its epochs, ${BOTH('epochs')}`,
      ],
      [
        ['batchsize', 'batch', 'bs', 'b', 'trainbatchsize'],
        `each stage has its batch size, ${BOTH('batchSize')}`,
      ],
      [['optimizer', 'opt', 'optim'], `each stage has its optimizer, ${BOTH('optimizer')}`],
      [['weightdecay', 'wd', 'l2'], `each stage has its weight decay, ${BOTH('weightDecay')}`],
      [
        ['patience', 'earlystopping', 'earlystop'],
        `each stage has its early stopping, ${BOTH('patience')}`,
      ],
      [
        ['scheduler', 'sched', 'schedule', 'lrscheduler'],
        `each stage has its schedule, ${BOTH('schedule')}`,
      ],
      [
        ['warmup', 'warmupepochs', 'warmupsteps', 'warmupratio'],
        `each stage has its warm-up, ${BOTH('warmup')}`,
      ],
      [
        ['labelsmoothing', 'smoothing'],
        `each stage has its label smoothing, ${BOTH('labelSmoothing')}`,
      ],
      [
        ['classweight', 'classweights'],
        `each stage has its class weights, ${BOTH('classWeights')}`,
      ],
      [
        [
          'output',
          'out',
          'o',
          'outputdir',
          'outdir',
          'savedir',
          'save',
          'savepath',
          'exportdir',
          'modeldir',
        ],
        'models go to --models <folder>, under the name of --id <id>, and logs to --runs <folder>',
      ],
      [
        ['logdir', 'logs', 'tensorboard', 'project', 'checkpointdir'],
        "checkpoints, logs and TensorBoard's files go to --runs <folder>",
      ],
      [['name', 'modelname', 'experiment', 'runname'], 'the model is named by --id <id>'],
      [
        [
          'dataset',
          'datasets',
          'datadir',
          'datapath',
          'dir',
          'path',
          'folder',
          'input',
          'images',
          'imagedir',
          'traindir',
          'traindata',
          'train',
        ],
        'images are given by --data <folder>',
      ],
      [
        ['model', 'arch', 'architecture', 'basemodel', 'net', 'network', 'm', 'a'],
        'the pretrained network is chosen by --backbone <name>',
      ],
      [
        ['pretrained', 'checkpoint', 'ckpt', 'initialcheckpoint', 'weightsfile', 'w'],
        'pretrained weights are given by --weights <file>, and a run goes on with --resume <run>',
      ],
      [
        ['imgsize', 'imagesize', 'imgsz', 'inputsize', 'resolution', 'size', 'targetsize'],
        'the side of the input in pixels is --size <pixels>',
      ],
      [
        ['gpu', 'gpus', 'device', 'cuda', 'usegpu', 'accelerator'],
        'what computes is chosen by --backend <name>, such as cuda or cpu',
      ],
      [
        ['workers', 'numworkers', 'j', 'jobs', 'nprocs', 'numprocs'],
        'images are decoded in threads by themselves; --threads <n> bounds those that compute',
      ],
      [
        [
          'valsplit',
          'validationsplit',
          'valfraction',
          'valpct',
          'validsize',
          'testsize',
          'testsplit',
          'split',
        ],
        'the shares held out are --validation and --test',
      ],
      [
        ['augment', 'augmentation', 'aug', 'augmentations', 'autoaugment', 'aa'],
        'augmentation is set by --augment.flip, --augment.colour and more',
      ],
      [
        ['numclasses', 'nclasses', 'classes', 'nc', 'labels'],
        'the classes are the folders that the images are in',
      ],
      [['image', 'img', 'file', 'url', 'source'], 'images are arguments, as in "predict cat.jpg"'],
      [['k', 'topk'], 'how many predictions are printed is --top <n>'],
      [
        ['amp', 'fp16', 'bf16', 'halfprecision', 'mixedprecision', 'half'],
        'training computes in float32, and the exported weights are set by --quantize',
      ],
      [['verbose', 'v', 'quiet', 'debug', 'version'], 'there is no such setting'],
    ] as const
  ).flatMap(([names, meant]) => names.map((name) => [name, meant])),
);

/**
 * What an option is called here that other programs have.
 *
 * @param option such as `--batch_size`
 * @returns half a sentence
 */
export function meantByOption(option: string): string | undefined {
  const name = option.replace(/^-+/, '').toLowerCase().replace(/[-_.]/g, '');
  return Object.hasOwn(MEANT, name) ? MEANT[name] : undefined;
}

const COMMANDS: Readonly<Record<string, string>> = {
  fit: 'train',
  finetune: 'train',
  'fine-tune': 'train',
  fine_tune: 'train',
  learn: 'train',
  resume: 'train --resume <run>',
  test: 'evaluate <model>',
  eval: 'evaluate <model>',
  val: 'evaluate <model>',
  validate: 'evaluate <model>',
  infer: 'predict <images>',
  inference: 'predict <images>',
  classify: 'predict <images>',
  convert: 'export',
  info: 'summary',
  install: 'setup',
  'lr-find': 'find-lr',
  lr_find: 'find-lr',
  list: 'datasets',
};

/** What a command is called here that other programs have. */
export function meantByCommand(command: string): string | undefined {
  return Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
}
