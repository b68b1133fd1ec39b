import { createRandom } from '../config/random.ts';
import { spreadEpoch, stretchStage, withEpochs } from '../config/stage-length.ts';
import type { TrainConfig } from '../config/train-config.ts';
import type { SplitName } from '../datasets/folders/split-names.ts';
import { formatSeconds } from '../files/progress.ts';
import { type StepOptions, trainStep } from './fit.ts';
import { VALIDATIONS } from './stage.ts';

/** Steps that are timed, after one that warms the backend up. */
const TIMED = 2;
/** A step on an image takes about as long as this many predictions of it. */
const PREDICTIONS_PER_STEP = 3;
/** How often the finished network predicts the test images: as it is, and as it is served. */
const TESTS = 3;

/**
 * Measures how long a step of stage 2 takes, says how long the training will take, and shortens stage 2 to
 * a budget.
 *
 * @param options.step of stage 2
 * @param options.minutes budget from the start of the process; undefined for none
 * @returns the recipe, with as many epochs of stage 2 as fit the budget, at least one, and at most its own
 */
export async function budgetTime(
  config: TrainConfig,
  {
    step,
    images,
    minutes,
    say,
  }: {
    readonly step: Omit<StepOptions, 'optimizer'>;
    /** Images of each split. */
    readonly images: Readonly<Record<SplitName, number>>;
    readonly minutes?: number | undefined;
    readonly say: (line: string) => void;
  },
): Promise<TrainConfig> {
  const stage = stretchStage(config.stage2, images.train);
  if (stage.epochs === 0) return config;
  const seconds = await secondsPerStep(step);
  const { steps, firstOf } = spreadEpoch(images.train, stage);
  const predicting = seconds / firstOf(1) / PREDICTIONS_PER_STEP;
  const validating = images.validation * predicting;
  const rest = (images.train + images.validation + images.test * (1 + TESTS)) * predicting;
  const secondsOf = (epochs: number) =>
    rest + epochs * steps * seconds + Math.min(epochs, VALIDATIONS) * validating;
  const left = minutes === undefined ? Infinity : 60 * minutes - performance.now() / 1000;
  let { epochs } = stage;
  while (epochs > 1 && secondsOf(epochs) > left) epochs -= 1;
  const shortened = epochs < stage.epochs ? `, of the recipe's ${stage.epochs}` : '';
  say(
    `The head learns first, then ${config.freeze === 0 ? 'the whole network' : 'the layers that are not frozen'}, in ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}${shortened}, of ${steps} ${steps === 1 ? 'step' : 'steps'}: about ${formatSeconds(Math.ceil(secondsOf(epochs)))} on this machine.`,
  );
  // Twice as long is no budget.
  const stage2 = { ...config.stage2, ...(minutes !== undefined && { retry: false }) };
  if (epochs === stage.epochs) return { ...config, stage2 };
  return { ...config, stage2: { ...withEpochs(stage2, epochs), minSteps: 0 } };
}

/** Computes a few steps without updating the parameters. */
async function secondsPerStep(options: Omit<StepOptions, 'optimizer'>): Promise<number> {
  const { source, config } = options;
  const length = spreadEpoch(source.length, config).firstOf(1);
  const indices = Array.from({ length }, (_, index) => index);
  const still = { ...options, optimizer: { apply: () => {} } };
  const step = () =>
    trainStep(still, { epoch: config.epochs - 1, indices, rate: 0, random: createRandom(0) });
  await step();
  const begin = performance.now();
  for (let count = 0; count < TIMED; count++) await step();
  return (performance.now() - begin) / 1000 / TIMED;
}
