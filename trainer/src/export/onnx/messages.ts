/**
 * ONNX is a Protocol Buffers format, and a network needs few of its messages.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

/** ONNX's numbers of the types of elements. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  float16: 10,
  float64: 11,
} as const;

export type ElementType = keyof typeof elementTypes;

/** A constant: its elements row by row. */
export interface OnnxTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** An integer, integers, a real number, or a text. */
export type Attribute = number | readonly number[] | string | { readonly float: number };

/** An input or an output; a dimension without a number has a name. */
export interface Port {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly nodes: readonly Buffer[];
  readonly constants: readonly Buffer[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The version of the operations: the first in which `Resize` antialiases. */
const OPSET = 18;
/** The version of the format that came with it. */
const IR_VERSION = 8;

export function modelProto({ nodes, constants, inputs, outputs, metadata }: OnnxModel): Buffer {
  const graph = Buffer.concat([
    ...nodes.map((message) => bytes(1, message)),
    text(2, 'network'),
    ...constants.map((message) => bytes(5, message)),
    ...inputs.map((port) => bytes(11, valueInfo(port))),
    ...outputs.map((port) => bytes(12, valueInfo(port))),
  ]);
  const entries = Object.entries(metadata);
  return Buffer.concat([
    integer(1, IR_VERSION),
    text(2, 'graft'),
    bytes(7, graph),
    bytes(8, integer(2, OPSET)),
    ...entries.map(([key, value]) => bytes(14, Buffer.concat([text(1, key), text(2, value)]))),
  ]);
}

export function nodeProto(
  operation: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>>,
): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(3, outputs[0] as string),
    text(4, operation),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
  ]);
}

export function tensorProto(name: string, { type, shape, data }: OnnxTensor): Buffer {
  return Buffer.concat([
    ...shape.map((length) => integer(1, length)),
    integer(2, elementTypes[type]),
    text(8, name),
    bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  ]);
}

function attribute(name: string, value: Attribute): Buffer {
  const named = text(1, name);
  if (typeof value === 'number') return Buffer.concat([named, integer(3, value), integer(20, 2)]);
  if (typeof value === 'string') return Buffer.concat([named, text(4, value), integer(20, 3)]);
  if ('float' in value) return Buffer.concat([named, float(2, value.float), integer(20, 1)]);
  return Buffer.concat([named, ...value.map((item) => integer(8, item)), integer(20, 7)]);
}

function valueInfo({ name, type, shape }: Port): Buffer {
  const dimensions = shape.map((length) =>
    bytes(1, typeof length === 'number' ? integer(1, length) : text(2, length)),
  );
  const tensor = Buffer.concat([
    integer(1, elementTypes[type]),
    bytes(2, Buffer.concat(dimensions)),
  ]);
  return Buffer.concat([text(1, name), bytes(2, bytes(1, tensor))]);
}

function integer(field: number, value: number): Buffer {
  return Buffer.from([...variable(BigInt(field) << 3n), ...variable(BigInt(value))]);
}

function float(field: number, value: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeFloatLE(value);
  return Buffer.concat([Buffer.from(variable((BigInt(field) << 3n) | 5n)), number]);
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

function bytes(field: number, value: Buffer): Buffer {
  const head = [...variable((BigInt(field) << 3n) | 2n), ...variable(BigInt(value.length))];
  return Buffer.concat([Buffer.from(head), value]);
}

/** Seven bits a byte, the lowest first; the highest bit says that more come. Negative ones have 64 bits. */
function variable(value: bigint): number[] {
  const number: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) number.push(Number(rest & 127n) | 128);
  return [...number, Number(rest)];
}
