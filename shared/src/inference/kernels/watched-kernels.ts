import type { InstantiateKernels } from './cnn-kernels.ts';
import { cnnKernelsForNode } from './cnn-kernels-node.ts';

type Kernel = (...values: unknown[]) => unknown;

/** Our kernels in Node, for tests. @param watch is told of each call */
export function watchedKernels(
  watch: (name: string, values: readonly unknown[]) => void,
): InstantiateKernels {
  return (imports) => {
    const kernels = cnnKernelsForNode()(imports) as Record<string, Kernel>;
    const watched = Object.entries(kernels).map(([name, kernel]) => {
      const call: Kernel = (...values) => {
        watch(name, values);
        return kernel(...values);
      };
      return [name, call];
    });
    return Object.fromEntries(watched);
  };
}
