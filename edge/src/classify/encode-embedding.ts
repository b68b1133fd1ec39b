import type { Embedding } from 'shared/contract/vectors';

/** @param values of an embedding, which has norm 1 */
export function encodeEmbedding(
  values: Float32Array<ArrayBuffer>,
  format: Embedding['format'],
): Embedding {
  return { format, dimensions: values.length, ...encoders[format](values) };
}

const encoders: Readonly<
  Record<
    Embedding['format'],
    (values: Float32Array<ArrayBuffer>) => Pick<Embedding, 'data' | 'scale'>
  >
> = {
  // WebAssembly is little-endian, and so is every host that runs it here.
  float32: (values) => ({ data: new Uint8Array(values.buffer).toBase64() }),
  int8(values) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = largest / 127 || 1;
    const steps = Int8Array.from(values, (value) => Math.round(value / scale));
    return { scale, data: new Uint8Array(steps.buffer).toBase64() };
  },
};

/** @returns the values, to half a step */
export function decodeEmbedding({ format, data, scale = 1 }: Embedding): Float32Array {
  const { buffer } = Uint8Array.fromBase64(data);
  if (format === 'float32') return new Float32Array(buffer);
  return Float32Array.from(new Int8Array(buffer), (step) => step * scale);
}
