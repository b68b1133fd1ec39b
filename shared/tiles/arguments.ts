import { type KernelName, kernelArguments } from '../src/inference/kernels/kernel-arguments.ts';

interface Call {
  readonly kernel: KernelName;
  /** The file in kernels/cnn that has the kernel. */
  readonly file: string;
  /** The class that its arguments are put into. */
  readonly holder: string;
  readonly returns: 'bool' | 'void';
}

/** The kernels that take many arguments. */
const calls: readonly Call[] = [
  { kernel: 'multiply', file: 'matrix-product', holder: 'Product', returns: 'void' },
  { kernel: 'multiplyInt8Weights', file: 'matrix-product', holder: 'Product', returns: 'void' },
  { kernel: 'multiplyInt8', file: 'int8-product', holder: 'Product', returns: 'void' },
  { kernel: 'multiplyCodes', file: 'int8-product', holder: 'CodeProduct', returns: 'void' },
  { kernel: 'convolve', file: 'convolution', holder: 'Convolution', returns: 'void' },
  {
    kernel: 'convolveDepthwise',
    file: 'depthwise',
    holder: 'DepthwiseConvolution',
    returns: 'bool',
  },
  {
    kernel: 'convolveExpanded',
    file: 'expanded-depthwise',
    holder: 'ExpandedConvolution',
    returns: 'bool',
  },
  {
    kernel: 'convolveCodes',
    file: 'codes/convolve-codes',
    holder: 'CodeConvolution',
    returns: 'bool',
  },
  { kernel: 'quantizePatches', file: 'codes/patches', holder: 'Patches', returns: 'bool' },
];

/** Memory that the arguments lie in, in whole cache lines: a vector across two takes twice as long to load. */
const LINE_BYTES = 64;

/**
 * The arguments of the kernels that take many, as classes of AssemblyScript: WebAssembly takes numbers only, and
 * these kernels would spell up to 26 of them again for each function that they are made of. Plain fields would be
 * functions, which are inlined by AssemblyScript's optimizer only: see matrix-tiles.ts.
 */
export function kernelClasses(): string {
  const { multiply, multiplyCodes, convolve, convolveCodes, convolveDepthwise, convolveExpanded } =
    kernelArguments;
  const { quantizePatches } = kernelArguments;
  return [
    `/** Of what \`Product\` takes. */\nexport const PRODUCT_BYTES: usize = ${bytesOf(multiply)};`,
    classOf('Product', multiply),
    classOf('CodeProduct extends Product', addedTo(multiply, multiplyCodes), multiply.length),
    classOf('Convolution', convolve),
    classOf('DepthwiseConvolution', convolveDepthwise),
    classOf(
      'ExpandedConvolution extends DepthwiseConvolution',
      addedTo(convolveDepthwise, convolveExpanded),
      convolveDepthwise.length,
    ),
    classOf('CodeConvolution', convolveCodes),
    classOf('Patches', quantizePatches),
  ].join('\n\n');
}

/** What the module exports of these kernels: each puts its arguments where its work begins. */
export function kernelCalls(): string {
  const imports = calls.map(
    ({ kernel, file }) => `import { ${kernel} as ${kernel}By } from '../${file}';`,
  );
  const holders = [...new Set(calls.map(({ holder }) => holder))].join(', ');
  return [
    [...imports, `import { ${holders} } from './arguments';`].join('\n'),
    "export { packTaps, tapBytes } from '../codes/taps';",
    "export { hasDotProduct } from '../int8-product';",
    "export { quantizeRows } from './quantized-rows';",
    ...calls.map(callOf),
  ].join('\n\n');
}

/** @returns what a kernel takes that another one does not */
function addedTo(known: readonly string[], names: readonly string[]): string[] {
  return names.filter((name) => !known.includes(name));
}

function classOf(head: string, names: readonly string[], begin = 0): string {
  const fields = names.map((name, place) => {
    const [type, at] = [typeOf(name), 4 * (begin + place)];
    const address = 'changetype<usize>(this)';
    return `  @inline get ${name}(): ${type} { return load<${type}>(${address}, ${at}); }
  @inline set ${name}(value: ${type}) { store<${type}>(${address}, value, ${at}); }`;
  });
  return `@unmanaged\nexport class ${head} {\n${fields.join('\n')}\n}`;
}

function callOf({ kernel, holder, returns }: Call): string {
  const names: readonly string[] = kernelArguments[kernel];
  const bytes = bytesOf(names);
  const values: Readonly<Record<string, string>> = {
    work: `work + ${bytes}`,
    workBytes: `workBytes - ${bytes}`,
  };
  return `export function ${kernel}(${names.map((name) => `${name}: ${typeOf(name)}`).join(', ')}): ${returns} {
  const values = changetype<${holder}>(work);
${names.map((name) => `  values.${name} = ${values[name] ?? name};`).join('\n')}
  ${returns === 'bool' ? 'return ' : ''}${kernel}By(values);
}`;
}

function bytesOf(names: readonly string[]): number {
  return Math.ceil((names.length * 4) / LINE_BYTES) * LINE_BYTES;
}

const ADDRESSES = [
  'a',
  'bias',
  'expansionBias',
  'filter',
  'out',
  'panels',
  'patches',
  'rows',
  'scales',
  'taps',
  'work',
  'x',
];
const NUMBERS = ['low', 'high', 'expansionLow', 'expansionHigh', 'step'];

function typeOf(name: string): string {
  if (ADDRESSES.includes(name)) return 'usize';
  if (NUMBERS.includes(name)) return 'f32';
  return name === 'isInt8' ? 'bool' : 'i32';
}
