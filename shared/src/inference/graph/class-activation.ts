import {
  columnOf,
  type FoldedGraph,
  nodeOf,
  type StoredWeight,
  valuesOf,
} from '../fold-constants.ts';

/** How much each part of an image adds to a label, row by row. */
export interface ActivationMap {
  readonly rows: number;
  readonly columns: number;
  /** Their mean, and the label's bias, is the label's logit. */
  readonly values: Float32Array;
}

/** A head of global average pooling and one dense layer, of which a map can be read. */
export interface PooledHead {
  /** The node that is pooled, `[n, rows, columns, channels]`. */
  readonly features: string;
  /** Of the dense layer, `[channels, classes]`. */
  readonly kernel: StoredWeight;
}

/** What the last dense layer reads: its node, `[n, width]`. @returns nothing for a graph that ends in another way */
export function embeddingOf({
  topology: { node },
  weights,
}: FoldedGraph): { readonly name: string; readonly width: number } | undefined {
  const logits = nodeOf(node.at(-1)?.input?.[0] ?? '');
  const dense = node.find(({ name }) => name === logits);
  const [features, kernel] = (dense?.input ?? []).map(nodeOf);
  const width = weights.find(({ name }) => name === kernel)?.shape[0];
  if (dense?.op !== '_FusedMatMul' || features === undefined || width === undefined) return;
  return { name: features, width };
}

/** @returns nothing for a graph with another head */
export function pooledHeadOf({ topology: { node }, weights }: FoldedGraph): PooledHead | undefined {
  const before = (reference = '') => node.find(({ name }) => name === nodeOf(reference));
  const weightOf = (reference = '') => weights.find(({ name }) => name === nodeOf(reference));
  const dense = before(node.at(-1)?.input?.[0]);
  if (dense?.op !== '_FusedMatMul') return;
  let pooled = before(dense.input?.[0]);
  // Dropout.
  while (pooled?.op === 'Identity') pooled = before(pooled.input?.[0]);
  const [features, axes] = pooled?.input ?? [];
  const [kernel, numbers] = [weightOf(dense.input?.[1]), weightOf(axes)];
  if (pooled?.op !== 'Mean' || features === undefined || !kernel || !numbers) return;
  if (`${valuesOf(numbers)}` !== '1,2') return;
  // A copy, since the file of which it is a part is not needed any more.
  return { features: nodeOf(features), kernel: { ...kernel, bytes: kernel.bytes.slice() } };
}

/**
 * A class activation map: what the features of each place add to a label, since the head takes their mean.
 *
 * @param features `[rows, columns, channels]` of one square image
 * @param kernel of the head
 * @param label its index
 * @see Zhou et al. 2016, Learning deep features for discriminative localization
 */
export function activationMap(
  features: Float32Array,
  kernel: StoredWeight,
  label: number,
): ActivationMap {
  const factors = columnOf(kernel, label);
  const channels = factors.length;
  const values = new Float32Array(features.length / channels);
  for (let place = 0; place < values.length; place++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) {
      sum += (features[place * channels + channel] as number) * (factors[channel] as number);
    }
    values[place] = sum;
  }
  const side = Math.sqrt(values.length);
  return { rows: side, columns: side, values };
}
