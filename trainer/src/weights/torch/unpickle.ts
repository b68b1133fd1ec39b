/** A name that a pickle refers to, such as `torch.FloatStorage`; nothing is looked up by it. */
export class PickledName {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** The calls that a pickle may make. */
export interface PickledCalls {
  /** @throws Error for an unknown name, since nothing else may be called */
  call(name: string, args: readonly unknown[]): unknown;
  /** Resolves a persistent id. */
  persistent(id: unknown): unknown;
}

const MARK = Symbol('mark');

/**
 * Reads one pickle of protocol 2 to 4 as `torch.save` writes it: numbers, strings, lists, tuples (as
 * arrays), dictionaries (as `Map`) and what `calls` returns for the rest. No code of the pickle runs.
 *
 * @param offset where the pickle begins
 * @returns its object, and where the next one begins
 * @throws Error for what is damaged or holds anything else
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
export function unpickle(
  bytes: Buffer,
  offset: number,
  calls: PickledCalls,
): { value: unknown; end: number } {
  const stack: unknown[] = [];
  const memo = new Map<number, unknown>();
  let at = offset;

  const take = (count: number) => {
    if (count < 0 || at + count > bytes.length) throw new Error('the pickle is cut short');
    at += count;
    return at - count;
  };
  const uint8 = () => bytes.readUInt8(take(1));
  const uint32 = () => bytes.readUInt32LE(take(4));
  const text = (length: number) => bytes.toString('utf8', take(length), at);
  const line = () => {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) throw new Error('the pickle is cut short');
    const value = bytes.toString('utf8', at, end);
    at = end + 1;
    return value;
  };
  const pop = () => {
    if (stack.length === 0) throw new Error('the pickle is damaged');
    return stack.pop();
  };
  const popToMark = () => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw new Error('the pickle is damaged');
    const items = stack.splice(mark);
    return items.slice(1);
  };
  const popMany = (count: number) => Array.from({ length: count }, pop).reverse();
  const recall = (key: number) => {
    if (!memo.has(key)) throw new Error('the pickle is damaged');
    stack.push(memo.get(key));
  };
  const setItems = (items: readonly unknown[]) => {
    const target = stack.at(-1);
    if (!(target instanceof Map))
      throw new Error('the pickle fills a value that is not a dictionary');
    for (let item = 0; item < items.length; item += 2) target.set(items[item], items[item + 1]);
  };
  const append = (items: readonly unknown[]) => {
    const target = stack.at(-1);
    if (!Array.isArray(target)) throw new Error('the pickle fills a value that is not a list');
    for (const item of items) target.push(item);
  };

  const call = () => {
    const [called, args] = popMany(2);
    if (!(called instanceof PickledName) || !Array.isArray(args)) {
      throw new Error('the pickle is damaged');
    }
    stack.push(calls.call(called.name, args));
  };

  // One letter an operation, as in pickletools.
  const operations: Readonly<Record<string, () => void>> = {
    '\x80': () => void uint8(),
    '\x95': () => void take(8),
    '(': () => stack.push(MARK),
    ')': () => stack.push([]),
    ']': () => stack.push([]),
    '}': () => stack.push(new Map()),
    N: () => stack.push(null),
    '\x88': () => stack.push(true),
    '\x89': () => stack.push(false),
    K: () => stack.push(uint8()),
    M: () => stack.push(bytes.readUInt16LE(take(2))),
    J: () => stack.push(bytes.readInt32LE(take(4))),
    '\x8a': () => stack.push(readLong(bytes, take(uint8()), at)),
    G: () => stack.push(bytes.readDoubleBE(take(8))),
    X: () => stack.push(text(uint32())),
    '\x8c': () => stack.push(text(uint8())),
    U: () => stack.push(text(uint8())),
    t: () => stack.push(popToMark()),
    '\x85': () => stack.push(popMany(1)),
    '\x86': () => stack.push(popMany(2)),
    '\x87': () => stack.push(popMany(3)),
    q: () => memo.set(uint8(), stack.at(-1)),
    r: () => memo.set(uint32(), stack.at(-1)),
    '\x94': () => memo.set(memo.size, stack.at(-1)),
    h: () => recall(uint8()),
    j: () => recall(uint32()),
    c: () => stack.push(new PickledName(`${line()}.${line()}`)),
    '\x93': () => stack.push(new PickledName(popMany(2).join('.'))),
    Q: () => stack.push(calls.persistent(pop())),
    R: call,
    '\x81': call,
    // State that Python would put into an object, such as the metadata of a state dictionary.
    b: () => void pop(),
    s: () => setItems(popMany(2)),
    u: () => setItems(popToMark()),
    a: () => append(popMany(1)),
    e: () => append(popToMark()),
  };
  while (true) {
    const code = String.fromCharCode(uint8());
    if (code === '.') return { value: pop(), end: at };
    const operation = operations[code];
    if (!operation) throw new Error('the pickle holds more than tensors and their names');
    operation();
  }
}

/** A little-endian integer in two's complement; only integers that a double holds exactly are needed. */
function readLong(bytes: Buffer, begin: number, end: number): number {
  let value = 0n;
  for (let byte = end - 1; byte >= begin; byte--) {
    value = (value << 8n) | BigInt(bytes[byte] as number);
  }
  return Number(BigInt.asIntN(8 * (end - begin), value));
}
