import type { GraphModel } from '../graph-builder.ts';
import { readHead, withHead } from '../head/head.ts';

/** A class of a dense layer: its logit is `weights · features + bias`. */
export interface HeadRow {
  /** `[channels]`. */
  readonly weights: Float32Array;
  readonly bias: number;
}

/**
 * Adds a class to the last dense layer, in the format of its kernel. The weights of the others keep their
 * values.
 *
 * @param model without a score of unknown images
 */
export function widenHead(model: GraphModel, added: HeadRow): GraphModel {
  const { channels, classes, kernel, bias } = readHead(model);
  const wider = new Float32Array(channels * (classes + 1));
  for (let channel = 0; channel < channels; channel++) {
    const begin = channel * classes;
    wider.set(kernel.subarray(begin, begin + classes), begin + channel);
    wider[begin + channel + classes] = added.weights[channel] as number;
  }
  return {
    ...withHead(model, {
      ...{ channels, classes: classes + 1, kernel: wider },
      bias: Float32Array.from([...bias, added.bias]),
    }),
    signature: widenOutput(model.signature as Signature, classes),
  };
}

interface Signature {
  readonly outputs: Readonly<Record<string, { readonly tensorShape: { dim: { size: string }[] } }>>;
}

function widenOutput(signature: Signature, classes: number): object {
  const [[name, output]] = Object.entries(signature.outputs) as [
    [string, Signature['outputs'][string]],
  ];
  const [batch] = output.tensorShape.dim;
  const tensorShape = { dim: [batch, { size: `${classes + 1}` }] };
  return { ...signature, outputs: { [name]: { ...output, tensorShape } } };
}
