import * as tf from '@tensorflow/tfjs-core';

/**
 * The kernels that graphs are fused into and tfjs does not have, each by two of tfjs' own, until
 * `registerCnnKernels` puts one of ours in its place.
 */
export function composedKernels(backendName: string): tf.KernelConfig[] {
  const run = (
    kernelName: string,
    inputs: tf.NamedTensorInfoMap,
    backend: object,
    attrs?: tf.NamedAttrMap,
  ) => {
    const { kernelFunc } = tf.getKernel(kernelName, backendName);
    return kernelFunc({ inputs, backend, ...(attrs && { attrs }) }) as tf.TensorInfo;
  };
  const release = (backend: object, { dataId }: tf.TensorInfo) =>
    (backend as tf.KernelBackend).disposeData(dataId);
  return [
    {
      // x · sigmoid(x)
      kernelName: 'Swish',
      backendName,
      kernelFunc({ inputs: { x }, backend }) {
        const gate = run('Sigmoid', { x }, backend);
        const product = run('Multiply', { a: x, b: gate }, backend);
        release(backend, gate);
        return product;
      },
    },
    {
      // A convolution, and a depthwise one of what it computes.
      kernelName: 'ExpandedDepthwise',
      backendName,
      kernelFunc({ inputs, attrs, backend }) {
        const { x, filter, bias, depthwiseFilter, depthwiseBias } = inputs;
        const { expansion, depthwise } = attrs as unknown as ExpandedDepthwiseAttributes;
        const wide = run('FusedConv2D', { x, filter, bias }, backend, expansion);
        const narrow = { x: wide, filter: depthwiseFilter, bias: depthwiseBias };
        const out = run('FusedDepthwiseConv2D', narrow, backend, depthwise);
        release(backend, wide);
        return out;
      },
    },
    {
      // The same, and a convolution of what that computes.
      kernelName: 'InvertedResidual',
      backendName,
      kernelFunc({ inputs, attrs, backend }) {
        const { projectionFilter, projectionBias, ...expanded } = inputs;
        const { projection, ...others } = attrs as unknown as InvertedResidualAttributes;
        const wide = run('ExpandedDepthwise', expanded, backend, { ...others });
        const narrow = { x: wide, filter: projectionFilter, bias: projectionBias };
        const out = run('FusedConv2D', narrow, backend, projection);
        release(backend, wide);
        return out;
      },
    },
  ];
}

/** Those of the kernel `ExpandedDepthwise`: of both its convolutions. */
export interface ExpandedDepthwiseAttributes {
  readonly expansion: tf.NamedAttrMap;
  readonly depthwise: tf.NamedAttrMap;
}

/** Those of the kernel `InvertedResidual`: of its three convolutions. */
export interface InvertedResidualAttributes extends ExpandedDepthwiseAttributes {
  readonly projection: tf.NamedAttrMap;
}
