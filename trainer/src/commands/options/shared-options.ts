import { backbones } from '../../backbones/registry.ts';
import type { BackboneName } from '../../config/backbone-names.ts';
import { configs } from '../../config/registry.ts';
import { folderMeanings } from '../../datasets/folders/find-splits.ts';
import { knownDatasets } from '../../datasets/open-dataset.ts';
import { project } from '../../files/project.ts';
import {
  BACKENDS,
  dataOf,
  idOf,
  labelsOf,
  nameOf,
  pathOf,
  threadsOf,
  weightsOf,
} from './option-values.ts';

// Options of several commands: what is called the same means the same.

/** Where models go, and where the Worker reads them. */
export const MODELS = project.models;
/** Where runs go. */
export const RUNS = project.runs;

const OUTPUT = 'Output';
const MACHINE = 'Machine';
const DATA = 'Data';

export const compute = {
  backend: {
    group: MACHINE,
    value: '<name>',
    choices: BACKENDS,
    default: 'auto',
    about: 'what computes',
  },
  threads: {
    group: MACHINE,
    value: '<n>',
    about: 'of the processor',
    otherwise: 'all',
    parse: threadsOf,
  },
} as const;

export const data = {
  data: {
    group: DATA,
    value: '<folder>',
    about: `images in class folders (cat/1.jpg), a zip of them, a list file,label (.csv), or ${Object.keys(knownDatasets).join(', ')}`,
    otherwise: 'cifar10',
    parse: dataOf,
  },
} as const;

export const reading = {
  folders: {
    group: DATA,
    value: '<what>',
    choices: folderMeanings,
    about: 'what folders are',
    otherwise: 'by name',
  },
  labels: {
    group: DATA,
    value: '<file>',
    about: 'several labels an image: a CSV file, or folders',
    parse: labelsOf,
  },
  strict: {
    group: DATA,
    about: 'fail on unreadable images instead of skipping them',
  },
} as const;

export const config = {
  config: {
    group: 'Experiment',
    value: '<name>',
    choices: Object.keys(configs),
    otherwise: 'photos for a folder, else fast',
    about: 'the recipe',
  },
} as const;

/** Of a network that is not trained here. */
export const network = {
  backbone: {
    group: 'Network',
    value: '<name>',
    choices: Object.keys(backbones) as BackboneName[],
    default: 'efficientnet-lite0',
    about: 'the pretrained network',
  },
} as const;

export const weights = {
  weights: {
    group: 'Network',
    value: '<file>',
    about: 'a file of Keras, PyTorch or safetensors; imagenet; or none',
    default: 'imagenet',
    parse: weightsOf,
  },
} as const;

export const models = {
  models: {
    group: OUTPUT,
    value: '<folder>',
    about: 'where models are',
    otherwise: project.names.models,
    parse: pathOf,
  },
} as const;

export const id = {
  id: {
    group: OUTPUT,
    value: '<id>',
    about: "the model's id",
    parse: idOf,
  },
} as const;

export const runs = {
  runs: {
    group: OUTPUT,
    value: '<folder>',
    about: 'where checkpoints and logs are',
    otherwise: project.names.runs,
    parse: pathOf,
  },
} as const;

export const resume = {
  resume: {
    group: 'Experiment',
    value: '<run>',
    about: 'continue an interrupted run, named by its folder',
    parse: nameOf,
  },
} as const;

export const worker = {
  worker: {
    group: 'Worker',
    value: '<url>',
    about: 'where your Worker is',
    otherwise: 'GRAFT_WORKER',
    parse: nameOf,
  },
} as const;

export const flip = {
  flip: { group: OUTPUT, about: 'average each image with its mirror image: twice the time' },
} as const;

export const json = {
  json: { group: OUTPUT, about: 'print JSON, for programs' },
} as const;
