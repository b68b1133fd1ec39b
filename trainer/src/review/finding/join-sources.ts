import * as tf from '@tensorflow/tfjs';
import type { BatchSource } from '../../data/batches.ts';
import { allLabels } from '../../datasets/dataset.ts';

/** The examples of several sources, one source after the other. */
export function joinSources(sources: readonly BatchSource[]): BatchSource {
  const places = sources.flatMap((source) =>
    Array.from({ length: source.length }, (_, index) => ({ source, index })),
  );
  const place = (at: number) => places[at] as (typeof places)[number];
  const labels = (at: number) => allLabels(place(at).source, place(at).index);
  return {
    length: places.length,
    label: (at) => place(at).source.label(place(at).index),
    ...(sources[0]?.labels && { labels }),
    async inputs(indices, random, size) {
      const chosen = indices.map((at) => places[at] as (typeof places)[number]);
      const order: number[] = [];
      const parts: tf.Tensor[] = [];
      for (const source of sources) {
        const own = [...chosen.keys()].filter((at) => chosen[at]?.source === source);
        if (own.length === 0) continue;
        const those = own.map((at) => (chosen[at] as (typeof places)[number]).index);
        parts.push(await source.inputs(those, random, size));
        order.push(...own);
      }
      const back = [...order.keys()].sort((a, b) => (order[a] as number) - (order[b] as number));
      const joined = tf.tidy(() => tf.gather(tf.concat(parts), tf.tensor1d(back, 'int32')));
      tf.dispose(parts);
      return joined;
    },
  };
}
