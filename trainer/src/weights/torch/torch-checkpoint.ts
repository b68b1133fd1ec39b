import { unzipSync } from 'fflate';
import { TrainerError } from '../../errors.ts';
import { readRegularFile } from '../../files/open-regular-file.ts';
import type { NamedTensor } from '../../plan/named-tensor.ts';
import { MAX_FILE_BYTES } from '../safetensors/safetensors.ts';
import { unpickle } from './unpickle.ts';

/** The first pickle of a file that `torch.save` wrote before PyTorch 1.6: a magic number. */
export const TORCH_MAGIC = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');

/** A storage: numbers that tensors are views of. */
interface Storage {
  readonly key: string;
  readonly type: string;
  readonly length: number;
}

/** A tensor as PyTorch stores it, with strides that need not follow from its shape. */
interface View {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/**
 * Reads the state dictionary of a file that `torch.save` wrote (`.pth`, `.pt`, `.bin`), in
 * PyTorch's current format, a zip archive, or in the one before 1.6. No code in it is executed.
 *
 * @returns its tensors by their names, as float32 and row-major whatever their strides are
 * @throws TrainerError `weights_invalid` also for a whole model rather than its state dictionary
 * @see https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
 */
export async function readTorchCheckpoint(path: string): Promise<ReadonlyMap<string, NamedTensor>> {
  const file = await readRegularFile(path, MAX_FILE_BYTES);
  try {
    const { views, bytesOf } = file.subarray(0, TORCH_MAGIC.length).equals(TORCH_MAGIC)
      ? openLegacy(file)
      : openArchive(file);
    const storages = new Map<string, Float32Array>();
    const tensors = new Map<string, NamedTensor>();
    for (const [name, view] of views) {
      const { key } = view.storage;
      const numbers = storages.get(key) ?? decode(view.storage, bytesOf(view.storage));
      storages.set(key, numbers);
      tensors.set(name, { shape: view.shape, values: gather(view, numbers, name) });
    }
    return tensors;
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new TrainerError(
      'weights_invalid',
      `Expected a state dictionary of PyTorch at ${path}, but ${reason}: write one with torch.save(model.state_dict(), file).`,
      cause,
    );
  }
}

interface Opened {
  readonly views: ReadonlyMap<string, View>;
  bytesOf(storage: Storage): Uint8Array;
}

/** Magic number, version, machine, the dictionary, the storages' keys, and then their numbers. */
function openLegacy(file: Buffer): Opened {
  let at = 0;
  const next = () => {
    const { value, end } = unpickle(file, at, calls);
    at = end;
    return value;
  };
  const [, , machine, dictionary, keys] = [next(), next(), next(), next(), next()];
  if (machine instanceof Map && machine.get('little_endian') === false) {
    throw new Error('it was written on a big-endian machine');
  }
  if (!Array.isArray(keys)) throw new Error('it is damaged');
  const views = viewsOf(dictionary);
  const types = new Map([...views.values()].map(({ storage }) => [storage.key, storage.type]));
  const found = new Map<string, Uint8Array>();
  for (const key of keys.map(String)) {
    if (at + 8 > file.length) throw new Error('it is cut short');
    const bytes = Number(file.readBigInt64LE(at)) * bytesEach(types.get(key) ?? 'FloatStorage');
    at += 8;
    if (!(bytes >= 0 && at + bytes <= file.length)) throw new Error('it is cut short');
    found.set(key, file.subarray(at, at + bytes));
    at += bytes;
  }
  return { views, bytesOf: ({ key }) => present(found.get(key)) };
}

function openArchive(file: Buffer): Opened {
  refuseOverlongDirectory(file);
  // PyTorch stores members uncompressed; a damaged directory may claim any size for them.
  const members = unzipSync(file, {
    filter: ({ name, size, compression }) =>
      MEMBER.test(name) && compression === 0 && size <= file.length,
  });
  const pickle = Object.keys(members).find((name) => name.endsWith('/data.pkl'));
  if (pickle === undefined) throw new Error('the archive lacks data.pkl');
  const folder = pickle.slice(0, -'data.pkl'.length);
  const order = members[`${folder}byteorder`];
  if (order && Buffer.from(order).toString() !== 'little') {
    throw new Error('it was written on a big-endian machine');
  }
  const { value } = unpickle(Buffer.from(present(members[pickle])), 0, calls);
  return { views: viewsOf(value), bytesOf: ({ key }) => present(members[`${folder}data/${key}`]) };
}

const DIRECTORY64 = Buffer.from('PK\x06\x06');
/** The fewest bytes that a member takes in an archive's directory. */
const ENTRY_BYTES = 46;

/** fflate iterates over as many members as the archive claims to have. */
function refuseOverlongDirectory(file: Buffer): void {
  for (let at = -1; ; ) {
    at = file.indexOf(DIRECTORY64, at + 1);
    if (at < 0) return;
    if (at + 36 > file.length || file.readUInt32LE(at + 32) * ENTRY_BYTES > file.length) {
      throw new Error('it is damaged or cut short');
    }
  }
}

const MEMBER = /^[^/]+\/(data\.pkl|byteorder|data\/[^/]+)$/;

const calls = {
  persistent(id: unknown): Storage {
    const [kind, type, key, , length] = Array.isArray(id) ? id : [];
    const name = (type as { readonly name?: unknown } | undefined)?.name;
    if (kind !== 'storage' || typeof name !== 'string') throw new Error('it is damaged');
    return { key: String(key), type: name.replace(/^torch\./, ''), length: Number(length) };
  },
  call(name: string, args: readonly unknown[]): unknown {
    switch (name) {
      case 'collections.OrderedDict':
        return new Map();
      case 'torch._utils._rebuild_tensor_v2': {
        const [storage, offset, shape, strides] = args;
        return { storage, offset, shape, strides };
      }
      case 'torch._utils._rebuild_parameter':
        return args[0];
      default:
        throw new Error(`it holds an object of ${name}, not only tensors`);
    }
  },
};

/** @param root the dictionary, or one that has it as `state_dict` or `model` */
function viewsOf(root: unknown): Map<string, View> {
  if (!(root instanceof Map)) throw new Error('it holds no dictionary');
  for (const key of ['state_dict', 'model']) {
    const inner: unknown = root.get(key);
    if (inner instanceof Map) return viewsOf(inner);
  }
  const views = new Map<string, View>();
  for (const [name, view] of root) {
    if (view instanceof Object && 'storage' in view) views.set(String(name), view as View);
  }
  if (views.size === 0) throw new Error('it holds no tensors');
  return views;
}

const BYTES: Readonly<Record<string, number>> = {
  DoubleStorage: 8,
  FloatStorage: 4,
  HalfStorage: 2,
  LongStorage: 8,
};

function bytesEach(type: string): number {
  const bytes = BYTES[type];
  if (bytes === undefined) throw new Error(`it holds tensors of ${type}, which is not supported`);
  return bytes;
}

function decode({ type }: Storage, bytes: Uint8Array): Float32Array {
  const each = bytesEach(type);
  // A copy, since the bytes need not be aligned.
  const { buffer } = Uint8Array.from(bytes.subarray(0, bytes.length - (bytes.length % each)));
  if (type === 'FloatStorage') return new Float32Array(buffer);
  if (type === 'HalfStorage') return Float32Array.from(new Float16Array(buffer));
  if (type === 'DoubleStorage') return Float32Array.from(new Float64Array(buffer));
  return Float32Array.from(new BigInt64Array(buffer), Number);
}

/** A view's numbers, row by row. */
function gather({ shape, strides, offset }: View, numbers: Float32Array, name: string) {
  const whole = [offset, ...shape, ...strides].every((n) => Number.isInteger(n) && n >= 0);
  const count = shape.reduce((product, length) => product * length, 1);
  const last = shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? 0), 0);
  // A tensor with more numbers than are stored could let a small file fill the memory.
  if (
    !whole ||
    shape.length !== strides.length ||
    count > numbers.length ||
    (count > 0 && offset + last >= numbers.length)
  ) {
    throw new Error(`the tensor ${name} lies outside its storage: it is damaged or cut short`);
  }
  const values = new Float32Array(count);
  const position = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let to = 0; to < count; to++) {
    values[to] = numbers[from] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const length = shape[axis] as number;
      const stride = strides[axis] as number;
      position[axis] = (position[axis] as number) + 1;
      from += stride;
      if ((position[axis] as number) < length) break;
      from -= stride * length;
      position[axis] = 0;
    }
  }
  return values;
}

function present(bytes: Uint8Array | undefined): Uint8Array {
  if (!bytes) throw new Error('it is damaged or cut short');
  return bytes;
}
