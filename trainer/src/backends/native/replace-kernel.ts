import * as tf from '@tensorflow/tfjs';

/** The arguments of a tfjs kernel. */
export type KernelCall = Parameters<tf.KernelConfig['kernelFunc']>[0];
type Attributes = NonNullable<KernelCall['attrs']>;
type Kernel = (call: KernelCall) => tf.Tensor;

/** A call that tries a kernel. */
interface Trial {
  inputs(): KernelCall['inputs'];
  readonly attrs: Attributes;
}

/**
 * Replaces tfjs-node's kernel by a faster one, for the calls that it covers. Does nothing where the
 * two give different results in a trial, or where this build of TensorFlow or of the addon lacks
 * the operation.
 */
export function replaceKernel(
  kernelName: string,
  covers: (call: KernelCall) => boolean,
  faster: Kernel,
  trial: Trial,
): void {
  const original = tf.getKernel(kernelName, 'tensorflow');
  const isSame = tf.tidy(() => {
    const call = { inputs: trial.inputs(), attrs: trial.attrs, backend: tf.backend() };
    try {
      const difference = faster(call).sub(original.kernelFunc(call) as tf.Tensor);
      return (difference.abs().max().dataSync()[0] as number) < 1e-4;
    } catch {
      return false;
    }
  });
  if (!isSame) return;
  tf.unregisterKernel(kernelName, 'tensorflow');
  tf.registerKernel({
    ...original,
    kernelFunc: (call) => (covers(call) ? faster(call) : original.kernelFunc(call)),
  });
}
