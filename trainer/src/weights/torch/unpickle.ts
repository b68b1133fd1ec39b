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
  const machine = new PickleMachine(bytes, offset, calls);
  while (true) {
    const code = String.fromCharCode(machine.uint8());
    if (code === '.') return { value: machine.pop(), end: machine.at };
    const operation = operations[code];
    if (!operation) throw new Error('the pickle holds more than tensors and their names');
    operation(machine);
  }
}

/** What a pickle's operations work on: its bytes, a stack and a memo. */
class PickleMachine {
  at: number;
  readonly #bytes: Buffer;
  readonly #calls: PickledCalls;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(bytes: Buffer, at: number, calls: PickledCalls) {
    this.#bytes = bytes;
    this.at = at;
    this.#calls = calls;
  }

  /** @returns where the next bytes begin, which it passes */
  skip(count: number): number {
    if (count < 0 || this.at + count > this.#bytes.length) {
      throw new Error('the pickle is cut short');
    }
    this.at += count;
    return this.at - count;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.skip(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16LE(this.skip(2));
  }

  int32(): number {
    return this.#bytes.readInt32LE(this.skip(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.skip(4));
  }

  double(): number {
    return this.#bytes.readDoubleBE(this.skip(8));
  }

  long(length: number): number {
    return readLong(this.#bytes, this.skip(length), this.at);
  }

  text(length: number): string {
    return this.#bytes.toString('utf8', this.skip(length), this.at);
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new Error('the pickle is cut short');
    const value = this.#bytes.toString('utf8', this.at, end);
    this.at = end + 1;
    return value;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length === 0) throw new Error('the pickle is damaged');
    return this.#stack.pop();
  }

  popMany(count: number): unknown[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  popToMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw new Error('the pickle is damaged');
    return this.#stack.splice(mark).slice(1);
  }

  remember(key = this.#memo.size): void {
    this.#memo.set(key, this.#stack.at(-1));
  }

  recall(key: number): void {
    if (!this.#memo.has(key)) throw new Error('the pickle is damaged');
    this.push(this.#memo.get(key));
  }

  setItems(items: readonly unknown[]): void {
    const target = this.#stack.at(-1);
    if (!(target instanceof Map))
      throw new Error('the pickle fills a value that is not a dictionary');
    for (let item = 0; item < items.length; item += 2) target.set(items[item], items[item + 1]);
  }

  append(items: readonly unknown[]): void {
    const target = this.#stack.at(-1);
    if (!Array.isArray(target)) throw new Error('the pickle fills a value that is not a list');
    for (const item of items) target.push(item);
  }

  call(): void {
    const [called, args] = this.popMany(2);
    if (!(called instanceof PickledName) || !Array.isArray(args)) {
      throw new Error('the pickle is damaged');
    }
    this.push(this.#calls.call(called.name, args));
  }

  resolve(): void {
    this.push(this.#calls.persistent(this.pop()));
  }
}

/** One letter an operation, as in pickletools. */
const operations: Readonly<Record<string, (pickle: PickleMachine) => void>> = {
  '\x80': (pickle) => void pickle.uint8(),
  '\x95': (pickle) => void pickle.skip(8),
  '(': (pickle) => pickle.push(MARK),
  ')': (pickle) => pickle.push([]),
  ']': (pickle) => pickle.push([]),
  '}': (pickle) => pickle.push(new Map()),
  N: (pickle) => pickle.push(null),
  '\x88': (pickle) => pickle.push(true),
  '\x89': (pickle) => pickle.push(false),
  K: (pickle) => pickle.push(pickle.uint8()),
  M: (pickle) => pickle.push(pickle.uint16()),
  J: (pickle) => pickle.push(pickle.int32()),
  '\x8a': (pickle) => pickle.push(pickle.long(pickle.uint8())),
  G: (pickle) => pickle.push(pickle.double()),
  X: (pickle) => pickle.push(pickle.text(pickle.uint32())),
  '\x8c': (pickle) => pickle.push(pickle.text(pickle.uint8())),
  U: (pickle) => pickle.push(pickle.text(pickle.uint8())),
  t: (pickle) => pickle.push(pickle.popToMark()),
  '\x85': (pickle) => pickle.push(pickle.popMany(1)),
  '\x86': (pickle) => pickle.push(pickle.popMany(2)),
  '\x87': (pickle) => pickle.push(pickle.popMany(3)),
  q: (pickle) => pickle.remember(pickle.uint8()),
  r: (pickle) => pickle.remember(pickle.uint32()),
  '\x94': (pickle) => pickle.remember(),
  h: (pickle) => pickle.recall(pickle.uint8()),
  j: (pickle) => pickle.recall(pickle.uint32()),
  c: (pickle) => pickle.push(new PickledName(`${pickle.line()}.${pickle.line()}`)),
  '\x93': (pickle) => pickle.push(new PickledName(pickle.popMany(2).join('.'))),
  Q: (pickle) => pickle.resolve(),
  R: (pickle) => pickle.call(),
  '\x81': (pickle) => pickle.call(),
  // State that Python would put into an object, such as the metadata of a state dictionary.
  b: (pickle) => void pickle.pop(),
  s: (pickle) => pickle.setItems(pickle.popMany(2)),
  u: (pickle) => pickle.setItems(pickle.popToMark()),
  a: (pickle) => pickle.append(pickle.popMany(1)),
  e: (pickle) => pickle.append(pickle.popToMark()),
};

/** A little-endian integer in two's complement; only integers that a double holds exactly are needed. */
function readLong(bytes: Buffer, begin: number, end: number): number {
  let value = 0n;
  for (let byte = end - 1; byte >= begin; byte--) {
    value = (value << 8n) | BigInt(bytes[byte] as number);
  }
  return Number(BigInt.asIntN(8 * (end - begin), value));
}
