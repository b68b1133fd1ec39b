import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { TrainerError } from '../errors.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import { writeFileAtomically } from '../write-atomically.ts';

export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, NamedTensor>;
}

const header = z.record(
  z.string(),
  z.union([
    z.object({
      dtype: z.enum(['F32', 'F16']),
      shape: z.array(z.int().nonnegative()),
      data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
    }),
    z.record(z.string(), z.string()),
  ]),
);

const BYTES = { F32: 4, F16: 2 } as const;

/**
 * Reads a safetensors file of float32 and float16 tensors; float16 is widened.
 *
 * @throws TrainerError `weights_invalid` when the file is not one, or is cut short
 * @see https://github.com/huggingface/safetensors#format
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  const file = await readFile(path).catch((cause: unknown) => {
    throw new TrainerError(
      'weights_invalid',
      `Expected a weights file at ${path}, but it cannot be read.`,
      cause,
    );
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
    const [begin, end] = entry.data_offsets;
    const elements = entry.shape.reduce((product, length) => product * length, 1);
    if (end - begin !== elements * BYTES[entry.dtype] || end > body.length) {
      throw invalid(path, `the tensor ${name} lies outside the file: it is damaged or cut short`);
    }
    // The format forbids it, and a small file could fill the memory.
    readBytes += end - begin;
    if (readBytes > body.length) throw invalid(path, 'its tensors overlap');
    // A copy, since the bytes need not be aligned to the element size.
    const bytes = Uint8Array.from(body.subarray(begin, end)).buffer;
    const values =
      entry.dtype === 'F32' ? new Float32Array(bytes) : Float32Array.from(new Float16Array(bytes));
    tensors.set(name, { shape: entry.shape, values });
  }
  return { metadata, tensors };
}

/** Writes float32 tensors: the whole file or nothing. */
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
    throw invalid(path, 'its header is not one of float32 or float16 tensors', cause);
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
