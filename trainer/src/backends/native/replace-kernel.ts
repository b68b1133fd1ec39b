import * as tf from '@tensorflow/tfjs';

/** What a tfjs kernel is called with. */
export type KernelCall = Parameters<tf.KernelConfig['kernelFunc']>[0];
type Attributes = NonNullable<KernelCall['attrs']>;
type Kernel = (call: KernelCall) => tf.Tensor;

/** A call to try a kernel with. */
interface Trial {
  inputs(): KernelCall['inputs'];
  readonly attrs: Attributes;
}

/**
 * Puts a faster kernel in place of tfjs-node's, for the calls that it covers. Does nothing where
 * the two do not give the same in a trial, as in a build of TensorFlow or of the addon that lacks
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
