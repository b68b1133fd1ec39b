import { foldBatchNorm } from '../src/plan/batch-norm/fold-batch-norm.ts';
import { type NamedTensor, toNamedTensor } from '../src/plan/named-tensor.ts';
import type { Plan } from '../src/plan/plan.ts';

// ONNX is a Protocol Buffers format, and a network needs few of its messages.
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

const OPSET = 13n;
const FLOAT = 1n;
const attributeTypes = { integer: 2n, string: 3n, integers: 7n } as const;

/**
 * Writes a plan as an ONNX model, BatchNorm folded, so that onnxruntime can be measured.
 *
 * @param shape of the input, `[n, channels, height, width]`: ONNX has the channels first
 * @returns the model, with the input `input` and the output `output`, the probabilities
 */
export async function toOnnxModel(plan: Plan, shape: readonly number[]): Promise<Buffer> {
  const nodes: Buffer[] = [];
  const weights: Buffer[] = [];
  const weight = (name: string, { shape, values }: NamedTensor): string => {
    weights.push(tensorProto(name, shape, values));
    return name;
  };
  const nameOf = (value: string) =>
    value === plan.input ? 'input' : value === plan.output ? 'output' : value;

  for (const step of plan.steps) {
    const inputs = step.inputs.map(nameOf);
    const output = nameOf(step.output);
    switch (step.kind) {
      case 'convolution': {
        const { kernel, bias } = await foldBatchNorm(step);
        const [height, width, channels] = kernel.shape as [number, number, number, number];
        const raw = step.activation === 'linear' ? output : `${output}/raw`;
        nodes.push(
          node(
            'Conv',
            [
              ...inputs,
              weight(`${step.name}/k`, channelsFirst(kernel, step.depthwise)),
              weight(`${step.name}/b`, bias),
            ],
            raw,
            [
              attribute('kernel_shape', 'integers', [height, width]),
              attribute('strides', 'integers', step.strides),
              attribute('group', 'integer', step.depthwise ? channels : step.groups),
              attribute('auto_pad', 'string', step.padding === 'same' ? 'SAME_UPPER' : 'VALID'),
            ],
          ),
        );
        if (step.activation === 'relu') nodes.push(node('Relu', [raw], output));
        if (step.activation === 'relu6') nodes.push(node('Clip', [raw, 'zero', 'six'], output));
        break;
      }
      case 'add':
        nodes.push(node('Add', inputs, output));
        break;
      case 'global-average-pool':
        nodes.push(
          node('GlobalAveragePool', inputs, `${output}/pooled`),
          node('Flatten', [`${output}/pooled`], output),
        );
        break;
      case 'dropout':
        nodes.push(node('Identity', inputs, output));
        break;
      case 'dense':
        nodes.push(
          node(
            'Gemm',
            [
              ...inputs,
              weight(`${step.name}/k`, await toNamedTensor(step.kernel.value)),
              weight(`${step.name}/b`, await toNamedTensor(step.bias.value)),
            ],
            output,
          ),
        );
        break;
      case 'softmax':
        nodes.push(node('Softmax', inputs, output));
        break;
      default:
        throw new Error(`${step.name}: the bench's network has no ${step.kind}.`);
    }
  }
  weights.push(
    tensorProto('zero', [], Float32Array.of(0)),
    tensorProto('six', [], Float32Array.of(6)),
  );
  const graph = Buffer.concat([
    ...nodes.map((message) => bytes(1, message)),
    text(2, 'plan'),
    ...weights.map((message) => bytes(5, message)),
    bytes(11, valueInfo('input', shape)),
    bytes(12, valueInfo('output', [])),
  ]);
  return Buffer.concat([integer(1, 8n), bytes(8, integer(2, OPSET)), bytes(7, graph)]);
}

/** `[height, width, in, out]` to `[out, in, height, width]`; depthwise to `[channels, 1, …]`. */
function channelsFirst({ shape, values }: NamedTensor, depthwise: boolean): NamedTensor {
  const [height, width, from, to] = shape as [number, number, number, number];
  const turned = new Float32Array(values.length);
  const pixels = height * width;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let i = 0; i < from; i++) {
      for (let o = 0; o < to; o++) {
        const row = depthwise ? i * to + o : o * from + i;
        turned[row * pixels + pixel] = values[(pixel * from + i) * to + o] as number;
      }
    }
  }
  return {
    shape: depthwise ? [from, 1, height, width] : [to, from, height, width],
    values: turned,
  };
}

function node(
  operation: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly Buffer[] = [],
): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(4, operation),
    ...attributes.map((message) => bytes(5, message)),
  ]);
}

function attribute(
  ...[name, kind, value]:
    | ['group', 'integer', number]
    | ['auto_pad', 'string', string]
    | ['kernel_shape' | 'strides', 'integers', readonly number[]]
): Buffer {
  const field =
    kind === 'integer'
      ? integer(3, BigInt(value))
      : kind === 'string'
        ? text(4, value)
        : Buffer.concat(value.map((item) => integer(8, BigInt(item))));
  return Buffer.concat([text(1, name), field, integer(20, attributeTypes[kind])]);
}

function tensorProto(name: string, shape: readonly number[], values: Float32Array): Buffer {
  return Buffer.concat([
    ...shape.map((length) => integer(1, BigInt(length))),
    integer(2, FLOAT),
    text(8, name),
    bytes(9, Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
  ]);
}

/** Without a shape where it is empty: onnxruntime infers it. */
function valueInfo(name: string, shape: readonly number[]): Buffer {
  const dimensions = shape.map((length) => bytes(1, integer(1, BigInt(length))));
  const shapeProto = shape.length > 0 ? [bytes(2, Buffer.concat(dimensions))] : [];
  const tensorType = Buffer.concat([integer(1, FLOAT), ...shapeProto]);
  return Buffer.concat([text(1, name), bytes(2, bytes(1, tensorType))]);
}

function integer(field: number, value: bigint): Buffer {
  return Buffer.from([...variable(BigInt(field) << 3n), ...variable(value)]);
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

function bytes(field: number, value: Buffer): Buffer {
  const head = [...variable((BigInt(field) << 3n) | 2n), ...variable(BigInt(value.length))];
  return Buffer.concat([Buffer.from(head), value]);
}

/** Seven bits a byte, the lowest first; the highest bit says that more come. */
function variable(value: bigint): number[] {
  const rest = value >> 7n;
  const low = Number(value & 127n);
  return rest === 0n ? [low] : [low | 128, ...variable(rest)];
}
