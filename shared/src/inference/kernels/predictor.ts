import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { CallRecorder, Recording } from './call-recorder.ts';
import type { WasmHeap } from './cnn-kernels.ts';

/** A network for inputs of one shape. */
export interface Predictor {
  /**
   * @param values float32, of one input, `shape` flattened
   * @returns float32, of the outputs but the hidden ones, flattened, one after the other; the caller's own
   * @throws Error for another number of values
   */
  predict(values: Float32Array): Float32Array;
  /** The same, and the hidden outputs, flattened in the same way. */
  predictAll(values: Float32Array): [outputs: Float32Array, hidden: Float32Array];
  dispose(): void;
}

/** @returns the output or outputs, which the caller disposes */
type Run = (input: tf.Tensor) => tf.Tensor | tf.Tensor[];

/**
 * Runs a network as it is at the first time, which prepares its weights; records the second, and from
 * then on replays that.
 *
 * @param run computes the network with the WASM backend
 * @param shape of the input, its batch included
 * @param recorder of the backend in use; without one, nothing is recorded
 * @param hidden how many of the outputs, the last ones, are not read unless they are asked for
 */
export function createPredictor(
  run: Run,
  shape: number[],
  recorder?: CallRecorder,
  hidden = 0,
): Predictor {
  let isWarm = false;
  let recorded: RecordedNetwork | undefined;
  let hiddenLength = 0;
  const outputsOf = (input: tf.Tensor): tf.Tensor[] => {
    const outputs = [run(input)].flat();
    const last = outputs.slice(outputs.length - hidden);
    hiddenLength = last.reduce((sum, { size }) => sum + size, 0);
    return outputs;
  };
  const predict = (values: Float32Array, left: number): Float32Array => {
    tf.util.assertShapesMatch([values.length], [tf.util.sizeFromShape(shape)], 'An input: ');
    if (isWarm && recorder && !recorder.paused) {
      recorded ??= new RecordedNetwork(outputsOf, shape, recorder);
      const answer = recorded.predict(values, left);
      if (answer) return answer;
    }
    isWarm = true;
    return tf.tidy(() => {
      const outputs = withoutLast(outputsOf(tf.tensor(values, shape)), left);
      return joined(outputs.map((output) => output.dataSync<'float32'>()));
    });
  };
  return {
    predict: (values) => predict(values, hidden),
    predictAll(values) {
      const all = predict(values, 0);
      const at = all.length - hiddenLength;
      return [all.subarray(0, at), all.subarray(at)];
    },
    dispose: () => recorded?.dispose(),
  };
}

class RecordedNetwork {
  readonly #backend = tf.backend() as BackendWasm;
  readonly #recorder: CallRecorder;
  readonly #run: (input: tf.Tensor) => tf.Tensor[];
  readonly #input: tf.Tensor;
  #recording: Recording | undefined;
  #isRecordable = true;
  #outputs: readonly { readonly at: number; readonly length: number }[] = [];

  constructor(run: (input: tf.Tensor) => tf.Tensor[], shape: number[], recorder: CallRecorder) {
    this.#run = run;
    this.#recorder = recorder;
    this.#input = tf.keep(tf.zeros(shape));
  }

  /**
   * @param left how many of the last outputs are not read
   * @returns nothing where the network is not one that can be recorded
   */
  predict(values: Float32Array, left: number): Float32Array | undefined {
    if (!this.#isRecordable) return;
    const inputAt = this.#backend.getMemoryOffset(this.#input.dataId);
    this.#floats(inputAt, values.length).set(values);
    if (this.#recording) this.#recording.replay();
    else this.#recording = this.#recorder.record(() => this.#runOnce(), inputAt);
    if (this.#recording) {
      const outputs = withoutLast(this.#outputs, left);
      return joined(outputs.map(({ at, length }) => this.#floats(at, length)));
    }
    this.#isRecordable = false;
    this.#input.dispose();
    return;
  }

  dispose(): void {
    this.#recording?.dispose();
    this.#input.dispose();
  }

  #runOnce(): void {
    const outputs = tf.tidy(() => this.#run(this.#input));
    this.#outputs = outputs.map(({ dataId, size }) => ({
      at: this.#backend.getMemoryOffset(dataId),
      length: size,
    }));
    tf.dispose(outputs);
  }

  /** The memory is another buffer once it has grown. */
  #floats(address: number, count: number): Float32Array {
    return new Float32Array(
      (this.#backend.wasm as unknown as WasmHeap).HEAPU8.buffer,
      address,
      count,
    );
  }
}

function withoutLast<T>(items: readonly T[], count: number): readonly T[] {
  return items.slice(0, items.length - count);
}

function joined(outputs: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(outputs.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const output of outputs) {
    all.set(output, at);
    at += output.length;
  }
  return all;
}
