import * as z from 'zod';
import { TrainerError } from '../../errors.ts';
import { readRegularFile, Unreadable } from '../../files/open-regular-file.ts';
import { writeFileAtomically } from '../../files/write-atomically.ts';
import type { NamedTensor } from '../../plan/named-tensor.ts';

export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, NamedTensor>;
}

/** The largest file that Node reads at once; Keras' largest network has 0.6 GB. */
export const MAX_FILE_BYTES = 2 ** 31 - 1;

const tensorEntry = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

const header = z.record(z.string(), z.union([tensorEntry, z.record(z.string(), z.string())]));

/** The types of networks' weights, and of PyTorch's counters beside them. */
const DTYPES: Readonly<
  Record<string, { bytes: number; toFloats(buffer: ArrayBuffer): Float32Array }>
> = {
  F64: { bytes: 8, toFloats: (buffer) => Float32Array.from(new Float64Array(buffer)) },
  F32: { bytes: 4, toFloats: (buffer) => new Float32Array(buffer) },
  F16: { bytes: 2, toFloats: (buffer) => Float32Array.from(new Float16Array(buffer)) },
  // A bfloat16 is the upper half of a float32.
  BF16: {
    bytes: 2,
    toFloats: (buffer) =>
      new Float32Array(Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer),
  },
  I64: {
    bytes: 8,
    toFloats: (buffer) => Float32Array.from(new BigInt64Array(buffer) as never, Number),
  },
  I32: { bytes: 4, toFloats: (buffer) => Float32Array.from(new Int32Array(buffer)) },
};

/**
 * Reads a safetensors file; its numbers become float32.
 *
 * @throws TrainerError `weights_invalid` when the file is not one, or is cut short
 * @see https://github.com/huggingface/safetensors#format
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  const file = await readRegularFile(path, MAX_FILE_BYTES).catch((error: unknown) => {
    if (error instanceof Unreadable) throw invalid(path, error.message, error.cause);
    throw error;
  });
  const { entries, body } = parseHeader(file, path);
  let metadata: Record<string, string> = {};
  const tensors = new Map<string, NamedTensor>();
  let readBytes = 0;
  for (const [name, entry] of Object.entries(entries)) {
    if (!isTensorEntry(entry)) {
      metadata = entry;
      continue;
    }
    const type = Object.hasOwn(DTYPES, entry.dtype) ? DTYPES[entry.dtype] : undefined;
    if (!type) {
      throw invalid(
        path,
        `the tensor ${name} has the type ${entry.dtype}, which is not supported: save it as float32`,
      );
    }
    const [begin, end] = entry.data_offsets;
    const elements = entry.shape.reduce((product, length) => product * length, 1);
    if (end - begin !== elements * type.bytes || end > body.length) {
      throw invalid(path, `the tensor ${name} lies outside the file: it is damaged or cut short`);
    }
    // The format forbids overlaps, with which a small file could fill the memory.
    readBytes += end - begin;
    if (readBytes > body.length) throw invalid(path, 'its tensors overlap');
    // A copy, since the bytes need not be aligned to the element size.
    const bytes = Uint8Array.from(body.subarray(begin, end)).buffer;
    tensors.set(name, { shape: entry.shape, values: type.toFloats(bytes) });
  }
  return { metadata, tensors };
}

/** Writes float32 tensors, the whole file or nothing. */
export async function writeSafetensors(
  path: string,
  { metadata, tensors }: Safetensors,
): Promise<void> {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { shape, values }] of tensors) {
    const end = at + values.byteLength;
    entries[name] = { dtype: 'F32', shape, data_offsets: [at, end] };
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    at = end;
  }
  const json = Buffer.from(JSON.stringify(entries));
  const padding = Buffer.alloc((8 - (json.length % 8)) % 8, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));
  await writeFileAtomically(path, [length, json, padding, ...parts]);
}

function parseHeader(
  file: Buffer,
  path: string,
): { entries: z.infer<typeof header>; body: Buffer } {
  const length = file.length < 8 ? Number.NaN : Number(file.readBigUInt64LE());
  if (!(length <= file.length - 8)) throw invalid(path, 'its header is cut short');
  try {
    const entries = header.parse(JSON.parse(file.toString('utf8', 8, 8 + length)));
    return { entries, body: file.subarray(8 + length) };
  } catch (cause) {
    throw invalid(path, 'its header is damaged', cause);
  }
}

type Entry = z.infer<typeof header>[string];

function isTensorEntry(entry: Entry): entry is Extract<Entry, { shape: number[] }> {
  return Array.isArray(entry['shape']);
}

function invalid(path: string, reason: string, cause?: unknown): TrainerError {
  return new TrainerError(
    'weights_invalid',
    `Expected a safetensors file at ${path}, but ${reason}.`,
    cause,
  );
}
