import type { ArithmeticStep, PreprocessSpec } from 'shared/contract/preprocess-spec';
import { elementTypes } from './messages.ts';
import type { OnnxBuilder } from './onnx-builder.ts';

/**
 * Writes what makes the network's input of an image: the division, the centred square, the resize, the scaling.
 * `Resize` on bytes with antialiasing is Pillow's in onnxruntime, as it is in the Worker.
 *
 * @param image name of an input `[height, width, 3]`, RGB in bytes
 * @param output name of the result, `[1, 3, size, size]` float32
 */
export function writePreprocess(
  graph: OnnxBuilder,
  spec: PreprocessSpec,
  image: string,
  output: string,
): void {
  const { size } = spec;
  const reduced = writeReduction(graph, image, size);
  const first = graph.node('Transpose', [reduced], 'preprocess/first', { perm: [2, 0, 1] });
  const batch = graph.node(
    'Unsqueeze',
    [first, graph.integers('preprocess/zero', [0])],
    'preprocess/batch',
  );
  const sides = graph.integers('preprocess/sides', [1, 3, size, size]);
  const resized = graph.node('Resize', [batch, '', '', sides], 'preprocess/resized', {
    mode: 'cubic',
    cubic_coeff_a: { float: -0.5 },
    antialias: 1,
    exclude_outside: 1,
    coordinate_transformation_mode: 'half_pixel',
  });
  const order = spec.channelOrder === 'bgr' ? [2, 1, 0] : [0, 1, 2];
  const channels = graph.integers('preprocess/channels', order);
  const ordered = graph.node('Gather', [resized, channels], 'preprocess/ordered', { axis: 1 });
  if ('arithmetic' in spec) {
    const floats = graph.node('Cast', [ordered], 'preprocess/floats', { to: elementTypes.float32 });
    const scaled = spec.arithmetic.reduce(
      (value, step, i) => writeStep(graph, value, step, `preprocess/step${i}`),
      floats,
    );
    graph.node('Identity', [scaled], output);
    return;
  }
  // In float64, rounded once.
  const doubles = graph.node('Cast', [ordered], 'preprocess/doubles', { to: elementTypes.float64 });
  const constant = (name: string, values: readonly number[]) =>
    graph.constant(`preprocess/${name}`, {
      type: 'float64',
      shape: [3, 1, 1],
      data: Float64Array.from(values),
    });
  const product = graph.node('Mul', [doubles, constant('scale', spec.scale)], 'preprocess/product');
  const sum = graph.node('Add', [product, constant('offset', spec.offset)], 'preprocess/sum');
  graph.node('Cast', [sum], output, { to: elementTypes.float32 });
}

const OPERATIONS = { multiply: 'Mul', divide: 'Div', subtract: 'Sub' } as const;

function writeStep(
  graph: OnnxBuilder,
  value: string,
  { operation, by }: ArithmeticStep,
  name: string,
): string {
  const operand = graph.floats(`${name}/by`, [3, 1, 1], by);
  return graph.node(OPERATIONS[operation], [value, operand], name);
}

/**
 * Averages squares of pixels, as `createPixelSink` does, of the centred square alone: whole numbers of ONNX
 * are computed from the image's shape.
 *
 * @returns name of `[side, side, 3]` bytes
 */
function writeReduction(graph: OnnxBuilder, image: string, size: number): string {
  let count = 0;
  const whole = (operation: string, ...inputs: string[]) =>
    graph.node(operation, inputs, `reduce/${operation}${count++}`);
  const one = graph.integers('reduce/1', [1]);
  const two = graph.integers('reduce/2', [2]);
  const three = graph.integers('reduce/3', [3]);
  const shape = graph.node('Shape', [image], 'reduce/shape', { start: 0, end: 2 });
  const least = graph.node('ReduceMin', [shape], 'reduce/least', { keepdims: 1 });
  const doubled = graph.integers('reduce/size', [2 * size]);
  const most = graph.integers('reduce/most', [256]);
  const reduction = whole('Min', whole('Max', whole('Div', least, doubled), one), most);
  const reduced = whole('Div', shape, reduction);
  const side = graph.node('ReduceMin', [reduced], 'reduce/side', { keepdims: 1 });
  const remainder = whole('Div', whole('Sub', shape, whole('Mul', reduced, reduction)), two);
  const cut = whole('Mul', whole('Div', whole('Sub', reduced, side), two), reduction);
  const starts = whole('Add', remainder, cut);
  const ends = whole('Add', starts, whole('Mul', side, reduction));
  const square = graph.node(
    'Slice',
    [image, starts, ends, graph.integers('reduce/axes', [0, 1])],
    'reduce/square',
  );
  const parts = graph.node('Concat', [side, reduction, side, reduction, three], 'reduce/parts', {
    axis: 0,
  });
  const blocks = graph.node('Cast', [whole('Reshape', square, parts)], 'reduce/blocks', {
    to: elementTypes.float32,
  });
  const axes = graph.integers('reduce/means', [1, 3]);
  const means = graph.node('ReduceMean', [blocks, axes], 'reduce/mean', { keepdims: 0 });
  const half = graph.floats('reduce/half', [], [0.5]);
  return graph.node('Cast', [whole('Floor', whole('Add', means, half))], 'reduce/bytes', {
    to: elementTypes.uint8,
  });
}
