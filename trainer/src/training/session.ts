import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../errors.ts';
import type { Metrics } from '../evaluation/metrics.ts';
import { makeFolder } from '../files/make-folder.ts';
import { formatPercent, formatSeconds, startProgress } from '../files/progress.ts';
import { appendLine } from '../files/write-atomically.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import { type Plan, parametersOf, trainableParametersOf } from '../plan/plan.ts';
import {
  byName,
  type CheckpointHeader,
  checkpointIn,
  loadCheckpoint,
  saveCheckpoint,
  snapshot,
} from '../runs/checkpoint.ts';
import { addToEventFiles } from '../runs/event-files.ts';
import { type LogEvent, logIn } from '../runs/run-log.ts';
import { type Fit, fit } from './fit.ts';
import { learningRate } from './learning-rate.ts';
import { Optimizer } from './optimizer.ts';

const CHECKPOINT_EVERY_MS = 60_000;

/** Points of a stage's training loss in the log, about. */
const CURVE_POINTS = 100;

export interface Stage
  extends Pick<Fit, 'plan' | 'examples' | 'classes' | 'config' | 'sizeIn' | 'mix'> {
  readonly number: 1 | 2;
  readonly title: string;
  /** How well the plan does on the validation images. */
  validate(): Promise<Pick<Metrics, 'top1' | 'logLoss'>>;
}

/** What a session needs of the run that it belongs to. */
export interface SessionRun {
  /** Checkpoint and log go here. */
  readonly directory: string;
  /** Aborted to stop behind the current step, with a checkpoint. */
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** One training's state: where it stands, the best weights so far, and its files. */
export class Session {
  readonly #run: SessionRun;
  readonly #network: Plan;
  #header: CheckpointHeader;
  /** Tensors of the checkpoint that no one has taken up yet, or of the best epoch. */
  #best: ReadonlyMap<string, NamedTensor> = new Map();
  #memory: ReadonlyMap<string, NamedTensor> = new Map();
  #clock = performance.now();

  private constructor(run: SessionRun, network: Plan, header: CheckpointHeader) {
    this.#run = run;
    this.#network = network;
    this.#header = header;
  }

  static async start(
    run: SessionRun,
    network: Plan,
    of: Pick<CheckpointHeader, 'config' | 'data' | 'datasetHash' | 'weightsHash' | 'backend'>,
  ): Promise<Session> {
    await makeFolder(run.directory);
    const header = { ...of, stage1Accuracy: null, ...START, stage: 1, seconds: 0 } as const;
    const session = new Session(run, network, header);
    await session.#save({});
    return session;
  }

  /**
   * Goes on from the checkpoint. On the same backend it ends with the numbers of an undisturbed run;
   * backends round differently, and on another it says so.
   *
   * @throws TrainerError `checkpoint_invalid`, also when the data set or the pretrained weights have
   *   changed since
   */
  static async resume(
    run: SessionRun,
    network: Plan,
    {
      datasetHash,
      weightsHash,
      backend,
    }: Pick<CheckpointHeader, 'datasetHash' | 'weightsHash' | 'backend'>,
  ): Promise<Session> {
    const path = checkpointIn(run.directory);
    const { header, tensors } = await loadCheckpoint(path);
    if (header.datasetHash !== datasetHash) {
      throw new TrainerError(
        'checkpoint_invalid',
        `The data set has changed since the checkpoint ${path} was written: start the training anew without --resume.`,
      );
    }
    // BatchNorm is read from them again.
    if (header.weightsHash !== undefined && header.weightsHash !== weightsHash) {
      throw new TrainerError(
        'checkpoint_invalid',
        `The file ${header.config.weights} has changed since the checkpoint ${path} was written: bring it back, or start the training anew without --resume.`,
      );
    }
    assign(byName(parametersOf(network)), tensors, 'parameters/');
    if (header.backend !== backend) {
      run.say(
        `This run computed on the backend ${header.backend} and goes on with ${backend}: it will learn as well, but not end with the very same numbers.`,
      );
    }
    const session = new Session(run, network, { ...header, backend });
    session.#best = withPrefix(tensors, 'best/');
    session.#memory = withPrefix(tensors, 'optimizer/');
    return session;
  }

  get seconds(): number {
    return this.#header.seconds;
  }

  get stage1Accuracy(): number | null {
    return this.#header.stage1Accuracy;
  }

  set stage1Accuracy(accuracy: number) {
    this.#header = { ...this.#header, stage1Accuracy: accuracy };
  }

  isDone(stage: 1 | 2): boolean {
    return this.#header.stage > stage;
  }

  /** Trains one stage to its end and leaves the best epoch's weights in the plan. */
  async run(stage: Stage): Promise<void> {
    const parameters = trainableParametersOf(stage.plan);
    const optimizer = new Optimizer(parameters, stage.config);
    if (this.#memory.size > 0) assign(optimizer.state(), this.#memory, '');
    optimizer.resumeAt(this.#header.optimizerSteps);
    // What stage 1 left is stage 2's first candidate.
    if (this.#header.best && this.#best.size === 0) {
      this.#best = await snapshot(byName(parameters), '');
    }
    let lastSave = performance.now();
    const { epochs, patience } = stage.config;
    // Early stopping (Prechelt 1998, third class of criteria).
    const goesOn = () =>
      patience === 0 || this.#header.epoch - (this.#header.best?.epoch ?? 0) < patience;
    const logSteps = this.#stepsLogger(stage);
    try {
      const options: Fit = {
        ...stage,
        optimizer,
        seed: `${this.#header.config.seed}/stage ${stage.number}`,
        epoch: this.#header.epoch,
        step: this.#header.step,
        lossSum: this.#header.lossSum,
        startProgress: (epoch, done) =>
          startProgress(
            `${stage.title}, epoch ${epoch + 1}/${epochs}`,
            stage.examples.length,
            done,
          ),
        onStep: async (done) => {
          // Lets a pending Ctrl-C in.
          await setImmediate();
          await logSteps(done);
          if (!this.#run.signal.aborted && performance.now() - lastSave < CHECKPOINT_EVERY_MS)
            return;
          await this.#save(done, optimizer);
          lastSave = performance.now();
          this.#run.signal.throwIfAborted();
        },
        onEpoch: async (epoch, loss) => {
          const { top1: accuracy, logLoss } = await optimizer.averaged(async () => {
            const metrics = await stage.validate();
            const candidate = {
              epoch: epoch + 1,
              accuracy: metrics.top1,
              logLoss: metrics.logLoss,
            };
            if (isBetter(candidate, this.#header.best)) {
              this.#best = await snapshot(byName(parameters), '');
              this.#header = { ...this.#header, best: candidate };
            }
            return metrics;
          });
          this.#countSeconds();
          this.#run.say(
            `${stage.title}, epoch ${epoch + 1}/${epochs}: loss ${loss.toFixed(4)}, validation ${formatPercent(accuracy)}, ${formatSeconds(this.seconds)} in all`,
          );
          await this.log({
            event: 'epoch',
            stage: stage.number,
            epoch: epoch + 1,
            loss,
            validation: { accuracy, loss: logLoss },
            seconds: this.seconds,
          });
          // Last: a kill before it logs the epoch twice, with the same numbers, and one after it not
          // at all.
          await this.#save({ epoch: epoch + 1, step: 0, lossSum: 0 }, optimizer);
          return goesOn();
        },
      };
      // A resumed run may have been told to stop already.
      if (goesOn()) await fit(options);
      if (this.#header.best) assign(byName(parameters), this.#best, '');
      if (this.#header.best?.epoch === 0 && epochs > 0) {
        this.#run.say(
          `${stage.title} made it no better on the validation images: the weights of before are kept.`,
        );
      }
    } finally {
      optimizer.dispose();
    }
  }

  /** Marks a stage as done, so that a resumed run goes on behind it. */
  async finish(stage: 1 | 2): Promise<void> {
    this.#best = new Map();
    this.#memory = new Map();
    const { best } = this.#header;
    const left = best && { ...best, epoch: 0 };
    await this.#save({ ...START, best: left, stage: stage === 1 ? 2 : 3 });
  }

  /** Logs the mean loss of the steps since it did so last, a few times an epoch. */
  #stepsLogger({ number, examples, config }: Stage): Fit['onStep'] {
    const of = Math.ceil(examples.length / config.batchSize);
    const every = Math.ceil((config.epochs * of) / CURVE_POINTS);
    let last: Parameters<Fit['onStep']>[0] = this.#header;
    return async (done) => {
      if (done.step % every !== 0 && done.step !== of) return;
      const { step, lossSum } = last.epoch === done.epoch ? last : START;
      const loss = (done.lossSum - lossSum) / (done.step - step);
      last = done;
      const place = { stage: number, epoch: done.epoch + 1, step: done.step, of };
      const rate = learningRate(config, done.epoch * of + done.step - 1, of);
      await this.log({ event: 'steps', ...place, loss, learningRate: rate });
    };
  }

  /** One line of `log.jsonl`, and TensorBoard's scalars of it. */
  async log(event: LogEvent): Promise<void> {
    const line = JSON.stringify({ time: new Date().toISOString(), ...event });
    await appendLine(logIn(this.#run.directory), line);
    addToEventFiles(this.#run.directory, event);
  }

  #countSeconds(): void {
    const now = performance.now();
    const seconds = this.#header.seconds + (now - this.#clock) / 1000;
    this.#clock = now;
    this.#header = { ...this.#header, seconds };
  }

  async #save(position: Partial<CheckpointHeader>, optimizer?: Optimizer): Promise<void> {
    this.#countSeconds();
    const optimizerSteps = optimizer?.steps ?? 0;
    this.#header = { ...this.#header, ...position, optimizerSteps };
    await saveCheckpoint(checkpointIn(this.#run.directory), {
      header: this.#header,
      tensors: new Map([
        ...(await snapshot(byName(parametersOf(this.#network)), 'parameters/')),
        ...(await snapshot(optimizer?.state() ?? [], 'optimizer/')),
        ...[...this.#best].map(([name, tensor]) => [`best/${name}`, tensor] as const),
      ]),
    });
  }
}

type Candidate = NonNullable<CheckpointHeader['best']>;

/** Few validation images are soon all right: then the one that is surer of them is better. */
function isBetter(candidate: Candidate, best: Candidate | null): boolean {
  if (!best || candidate.accuracy !== best.accuracy) {
    return candidate.accuracy > (best?.accuracy ?? -1);
  }
  return (candidate.logLoss ?? Infinity) < (best.logLoss ?? Infinity);
}

const START = { epoch: 0, step: 0, lossSum: 0, optimizerSteps: 0, best: null };

function withPrefix(
  tensors: ReadonlyMap<string, NamedTensor>,
  prefix: string,
): Map<string, NamedTensor> {
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}

function assign(
  variables: Iterable<readonly [string, tf.Variable]>,
  tensors: ReadonlyMap<string, NamedTensor>,
  prefix: string,
): void {
  tf.tidy(() => {
    for (const [name, variable] of variables) {
      const tensor = tensors.get(`${prefix}${name}`);
      if (tensor?.shape.join() !== variable.shape.join()) {
        throw new TrainerError(
          'checkpoint_invalid',
          `Expected ${prefix}${name} with shape [${variable.shape}] in the checkpoint, but it has [${tensor?.shape ?? 'none'}]: it belongs to another network.`,
        );
      }
      variable.assign(tf.tensor(tensor.values, variable.shape));
    }
  });
}
