import { setImmediate } from 'node:timers/promises';
import type { Validation } from '../evaluation/label-metrics.ts';
import { makeFolder } from '../files/make-folder.ts';
import { accuracyNote, startProgress } from '../files/progress.ts';
import { appendLine } from '../files/write-atomically.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import { type Plan, parametersOf, trainableParametersOf } from '../plan/plan.ts';
import {
  byName,
  type CheckpointHeader,
  checkpointIn,
  checkpointTensors,
  loadCheckpoint,
  noteOtherBackend,
  requireSameOrigin,
  restore,
  START,
  saveCheckpoint,
  snapshot,
  withPrefix,
} from '../runs/checkpoint.ts';
import { addToEventFiles } from '../runs/event-files.ts';
import { type LogEvent, logIn } from '../runs/run-log.ts';
import { fit, type Position } from './fit.ts';
import { Optimizer } from './optimizer.ts';
import {
  endedBy,
  epochsPerValidation,
  isBetter,
  resultOf,
  type SessionRun,
  type Stage,
  shouldStop,
} from './stage.ts';
import { stepsLogger } from './steps-logger.ts';

/** Most work that is lost. A checkpoint of a stage is 68 MB, and a run of few photos soon over. */
const CHECKPOINT_EVERY_MS = 3 * 60_000;

/** What a resumed run must have in common with the run before. */
type Origin = Pick<CheckpointHeader, 'datasetHash' | 'weightsHash' | 'backend'>;

/** The state of one training: its position, the best weights so far, and its files. */
export class Session {
  readonly #run: SessionRun;
  readonly #network: Plan;
  #header: CheckpointHeader;
  /** Trainable weights of the best epoch so far. */
  #best: ReadonlyMap<string, NamedTensor> = new Map();
  /** Optimizer state of the checkpoint, which the stage that is resumed starts from. */
  #optimizerState: ReadonlyMap<string, NamedTensor> = new Map();
  /** Of the validation images, after the latest epoch. */
  #accuracy: number | undefined;
  #clock = performance.now();
  #savedAt = performance.now();

  private constructor(run: SessionRun, network: Plan, header: CheckpointHeader) {
    this.#run = run;
    this.#network = network;
    this.#header = header;
  }

  static async start(
    run: SessionRun,
    network: Plan,
    of: Origin & Pick<CheckpointHeader, 'config' | 'data' | 'labels'>,
  ): Promise<Session> {
    await makeFolder(run.directory);
    const header = { ...of, stage1Accuracy: null, ...START, stage: 1, seconds: 0 } as const;
    // The network is as the recipe builds it, so nothing but the position needs to be kept.
    await saveCheckpoint(checkpointIn(run.directory), { header, tensors: new Map() });
    return new Session(run, network, header);
  }

  /**
   * Resumes from the checkpoint. On the same backend, the run ends with the same numbers as one without
   * interruption. Backends round differently, so on another backend it prints a note.
   *
   * @throws TrainerError `checkpoint_invalid`, also if the data set or the pretrained weights have
   *   changed since
   */
  static async resume(
    run: SessionRun,
    network: Plan,
    { datasetHash, weightsHash, backend }: Origin,
  ): Promise<Session> {
    const path = checkpointIn(run.directory);
    const { header, tensors } = await loadCheckpoint(path);
    requireSameOrigin(header, { datasetHash, weightsHash }, path);
    if (tensors.size > 0) restore(byName(parametersOf(network)), tensors, 'parameters/');
    if (header.backend !== backend) run.say(noteOtherBackend(header.backend, backend));
    const session = new Session(run, network, { ...header, backend });
    session.#best = withPrefix(tensors, 'best/');
    session.#optimizerState = withPrefix(tensors, 'optimizer/');
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

  /**
   * Trains one stage to its end, and leaves the weights of its best epoch in the plan; where none is better than
   * the weights before, trains `retry`, which has as many epochs, in its place.
   */
  async run(stage: Stage, retry?: Stage): Promise<void> {
    if (!this.#header.retried) {
      if ((await this.#train({ ...stage, mayFail: retry !== undefined })) || !retry) return;
      this.#run.say(`${stage.title} begins again, more gently.`);
      this.#begin({ best: this.#header.best, retried: true });
    }
    if (retry) await this.#train(retry);
  }

  /** @returns false where the weights before it stay the best, unless it was to end early */
  async #train(stage: Stage): Promise<boolean> {
    const { config, title, plan } = stage;
    this.#run.onEpoch?.(stage, this.#header.epoch);
    this.#run.signal.throwIfAborted();
    const parameters = trainableParametersOf(plan);
    const optimizer = new Optimizer(parameters, config);
    if (this.#optimizerState.size > 0) restore(optimizer.state(), this.#optimizerState);
    optimizer.resumeAt(this.#header.optimizerSteps);
    // The weights that stage 1 ended with are the first candidate of stage 2.
    if (this.#header.best && this.#best.size === 0) {
      this.#best = await snapshot(byName(parameters), '');
    }
    try {
      if (this.#isEnough) {
        await this.#consider(stage, optimizer);
        // A resumed run may already have met the criterion of early stopping.
      } else if (!shouldStop(stage, this.#header)) {
        await fit({
          ...stage,
          optimizer,
          seed: `${this.#header.config.seed}/stage ${stage.number}`,
          from: this.#header,
          startProgress: (current, done) =>
            startProgress(
              `${title}, epoch ${current + 1}/${config.epochs}`,
              stage.source.length,
              done,
              this.#accuracy === undefined ? [] : [accuracyNote('validation', this.#accuracy)],
            ),
          onStep: this.#stepListener(stage, optimizer),
          isEnough: () => this.#isEnough,
          onEpoch: (current, loss) => this.#endEpoch(stage, optimizer, current, loss),
        });
      }
      if (this.#header.best) restore(byName(parameters), this.#best);
      const isOver = this.#header.best?.epoch !== 0 || config.epochs === 0 || this.#isEnough;
      if (!isOver) {
        this.#run.say(`${title}: validation did not improve; keeping the previous weights.`);
      }
      return isOver;
    } finally {
      optimizer.dispose();
    }
  }

  /**
   * Takes the plan's weights, which were found without epochs, as the result of a stage.
   *
   * @param loss mean training loss
   */
  async adopt(stage: Stage, loss: number): Promise<void> {
    await this.#report(stage, { epoch: 1, loss }, `${stage.title}: `, await this.#keep(stage, 1));
  }

  get #isEnough(): boolean {
    return this.#run.enough?.aborted ?? false;
  }

  /** Logs a step, and saves a checkpoint where one is due and before an interruption. */
  #stepListener(stage: Stage, optimizer: Optimizer): (done: Position) => Promise<void> {
    const logSteps = stepsLogger(stage, this.#header, (event) => this.log(event));
    return async (done) => {
      // Yields to the event loop, which must see a Ctrl-C.
      await setImmediate();
      await logSteps(done);
      if (!this.#isSaveDue && !this.#run.signal.aborted) return;
      this.#header = { ...this.#header, ...done };
      await this.#save(optimizer);
      this.#run.signal.throwIfAborted();
    };
  }

  get #isSaveDue(): boolean {
    const every = this.#run.checkpointEveryMs ?? CHECKPOINT_EVERY_MS;
    return performance.now() - this.#savedAt >= every;
  }

  /**
   * Validates after an epoch (of many, only some), keeps the weights if they are the best, logs and saves.
   *
   * @returns whether the stage continues
   */
  async #endEpoch(
    stage: Stage,
    optimizer: Optimizer,
    index: number,
    loss: number,
  ): Promise<boolean> {
    const epoch = index + 1;
    const { epochs } = stage.config;
    if (epoch % epochsPerValidation(stage.config) === 0 || epoch === epochs || this.#isEnough) {
      const metrics = await this.#consider(stage, optimizer, epoch);
      const title = `${stage.title}, epoch ${epoch}/${epochs}: `;
      await this.#report(stage, { epoch, loss }, title, metrics);
    }
    this.#header = { ...this.#header, epoch, step: 0, lossSum: 0 };
    this.#run.onEpoch?.(stage, epoch);
    // Saved last: a kill before this line logs the epoch a second time, with the same numbers.
    if (this.#isSaveDue || this.#run.signal.aborted) await this.#save(optimizer);
    this.#run.signal.throwIfAborted();
    return !this.#isEnough && !shouldStop(stage, this.#header, this.#accuracy);
  }

  /** Validates the weights, averaged where EMA is enabled, and keeps them if they are the best so far. */
  #consider(stage: Stage, optimizer: Optimizer, epoch = this.#header.epoch + 1) {
    return optimizer.averaged(() => this.#keep(stage, epoch));
  }

  async #keep({ validate, validationImages = 0, config, plan }: Stage, epoch: number) {
    const metrics = await validate?.();
    const { accuracy, logLoss } = metrics ?? { accuracy: 0, logLoss: Infinity };
    const candidate = { epoch, accuracy, ...(metrics && { logLoss }) };
    const ended = endedBy(epoch, config, validationImages);
    if (!metrics || isBetter(candidate, this.#header.best, ended)) {
      this.#best = await snapshot(byName(trainableParametersOf(plan)), '');
      this.#header = { ...this.#header, best: candidate };
    }
    return metrics;
  }

  async #report(
    { number, plan }: Stage,
    { epoch, loss }: Record<'epoch' | 'loss', number>,
    title: string,
    metrics: Validation | undefined,
  ): Promise<void> {
    this.#countSeconds();
    this.#accuracy = metrics?.accuracy;
    this.#run.say(title + resultOf(plan, { loss, metrics, seconds: this.seconds }));
    if (!metrics) return;
    const validation = { accuracy: metrics.accuracy, loss: metrics.logLoss };
    const done = { stage: number, epoch, loss, seconds: this.seconds };
    await this.log({ event: 'epoch', ...done, validation });
  }

  /** Marks a stage as done, for a resumed run too; a stage 1 of seconds is sooner repeated than written. */
  async finish(stage: 1 | 2): Promise<void> {
    const { best } = this.#header;
    this.#begin({ best: best && { ...best, epoch: 0 }, stage: stage === 1 ? 2 : 3 });
    if (stage === 2 || this.#isSaveDue) await this.#save();
  }

  #begin(change: Partial<CheckpointHeader>): void {
    this.#best = new Map();
    this.#optimizerState = new Map();
    this.#header = { ...this.#header, ...START, ...change };
  }

  /** Appends an event to `log.jsonl`, and its scalars to TensorBoard's event files. */
  async log(event: LogEvent): Promise<void> {
    if (this.#run.readOnly) return;
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

  async #save(optimizer?: Optimizer): Promise<void> {
    this.#countSeconds();
    this.#header = { ...this.#header, optimizerSteps: optimizer?.steps ?? 0 };
    if (this.#run.readOnly) return;
    const parameters = byName(parametersOf(this.#network));
    const tensors = await checkpointTensors(parameters, optimizer?.state() ?? [], this.#best);
    await saveCheckpoint(checkpointIn(this.#run.directory), { header: this.#header, tensors });
    this.#savedAt = performance.now();
  }
}
