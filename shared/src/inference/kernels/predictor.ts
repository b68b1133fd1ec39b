import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { CallRecorder, Recording } from './call-recorder.ts';
import type { WasmHeap } from './cnn-kernels.ts';

/** A network for inputs of one shape. */
export interface Predictor {
  /**
   * @param values float32, of one input, `shape` flattened
   * @returns float32, of the outputs, flattened, one after the other; the caller's own
   * @throws Error for another number of values
   */
  predict(values: Float32Array): Float32Array;
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
 */
export function createPredictor(run: Run, shape: number[], recorder?: CallRecorder): Predictor {
  let isWarm = false;
  let recorded: RecordedNetwork | undefined;
  return {
    predict(values) {
      tf.util.assertShapesMatch([values.length], [tf.util.sizeFromShape(shape)], 'An input: ');
      if (isWarm && recorder && !recorder.paused) {
        recorded ??= new RecordedNetwork(run, shape, recorder);
        const answer = recorded.predict(values);
        if (answer) return answer;
      }
      isWarm = true;
      return tf.tidy(() =>
        joined(
          [run(tf.tensor(values, shape))].flat().map((output) => output.dataSync<'float32'>()),
        ),
      );
    },
    dispose: () => recorded?.dispose(),
  };
}

class RecordedNetwork {
  readonly #backend = tf.backend() as BackendWasm;
  readonly #recorder: CallRecorder;
  readonly #run: Run;
  readonly #input: tf.Tensor;
  #recording: Recording | undefined;
  #isRecordable = true;
  #outputs: readonly { readonly at: number; readonly length: number }[] = [];

  constructor(run: Run, shape: number[], recorder: CallRecorder) {
    this.#run = run;
    this.#recorder = recorder;
    this.#input = tf.keep(tf.zeros(shape));
  }

  /** @returns nothing where the network is not one that can be recorded */
  predict(values: Float32Array): Float32Array | undefined {
    if (!this.#isRecordable) return;
    const inputAt = this.#backend.getMemoryOffset(this.#input.dataId);
    this.#floats(inputAt, values.length).set(values);
    if (this.#recording) this.#recording.replay();
    else this.#recording = this.#recorder.record(() => this.#runOnce(), inputAt);
    if (this.#recording) {
      return joined(this.#outputs.map(({ at, length }) => this.#floats(at, length)));
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
    const outputs = tf.tidy(() => [this.#run(this.#input)].flat());
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

function joined(outputs: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(outputs.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const output of outputs) {
    all.set(output, at);
    at += output.length;
  }
  return all;
}
