import { extname } from 'node:path';
import { TORCH_MAGIC } from './torch/torch-checkpoint.ts';

/** The formats of weights that can be read. */
export type WeightsFormat = 'hdf5' | 'zip' | 'torch' | 'safetensors' | 'json';

const KERAS = "save it in Python with model.save('model.keras')";
const TORCH =
  "convert it in Python with safetensors.torch.save_file(model.state_dict(), 'model.safetensors')";

const ONNX = `it is an ONNX model: ${KERAS}, or as safetensors`;

/** Formats of other files, told by their bytes at an offset, in hexadecimal. The first match counts. */
const FOREIGN: readonly (readonly [bytes: RegExp, at: number, is: string])[] = [
  [/^800[2-5]/, 0, `it is a Python pickle, such as a .pth of PyTorch: ${TORCH}`],
  [/^1f8b/, 0, 'it is compressed by gzip: unpack it first, with gunzip or tar xzf'],
  [/^(425a68|fd377a58|28b52ffd|377abcaf|52617221)/, 0, 'it is an archive: unpack it first'],
  [/^7573746172/, 257, 'it is a tar archive: unpack it first, with tar xf'],
  [
    /^54464c33/,
    4,
    `it is a TensorFlow Lite model, without the weights that training needs: ${KERAS}`,
  ],
  [/^(47475546|67676d6c|67676a74)/, 0, 'it is a GGUF file, of a language model'],
  [/^934e554d5059/, 0, `it is a NumPy array: ${KERAS}`],
  [/^(89504e47|ffd8ff|47494638|52494646.{8}57454250)/, 0, 'it is an image'],
  [/^25504446/, 0, 'it is a PDF'],
  [/^08(0[1-9a-f]|1.)(12|1a|3a|42)/, 0, ONNX],
];

const FOREIGN_TEXTS: readonly (readonly [start: RegExp, is: string])[] = [
  [
    /^version https:\/\/git-lfs\./,
    'it is a Git LFS pointer, not the weights that it points to: run "git lfs pull" in its repository',
  ],
  [
    /^\s{0,64}<(!doctype|html|head|body|\?xml|!--)/i,
    'it is a web page: what was downloaded is an error or a page about the file, so get the file itself',
  ],
];

/** The same by file extension, where the content has no signature. */
const FOREIGN_NAMES: Readonly<Record<string, string>> = {
  '.onnx': ONNX,
  '.pb': `it is a TensorFlow graph: ${KERAS}`,
  '.index': `it is part of a TensorFlow checkpoint: ${KERAS}`,
  '.ckpt': `it is a checkpoint of another program: ${KERAS}, or as safetensors`,
  '.pth': `it is a PyTorch file: ${TORCH}`,
  '.pt': `it is a PyTorch file: ${TORCH}`,
  '.msgpack': 'it is a Flax file: save the weights as safetensors',
  '.mlmodel': 'it is a Core ML model, without the weights that training needs',
  '.caffemodel': "it is a Caffe model: convert it to safetensors with Keras' names",
};

/**
 * Tells what a weights file is by its content.
 *
 * @param start the file's first 512 bytes, or all of a shorter one
 * @param bytes the file's length
 * @returns the format, or a clause that follows "but" and says what the file is instead
 */
export function identifyWeights(
  path: string,
  start: Buffer,
  bytes: number,
): { readonly format: WeightsFormat } | { readonly is: string } {
  if (bytes === 0) return { is: 'it is empty' };
  const text = start.toString('latin1');
  if (text.startsWith('\x89HDF\r\n\x1a\n')) return { format: 'hdf5' };
  if (text.startsWith('PK\x03\x04')) return { format: isTorchArchive(start) ? 'torch' : 'zip' };
  if (start.subarray(0, TORCH_MAGIC.length).equals(TORCH_MAGIC)) return { format: 'torch' };
  // The header's length, then the header.
  if (start.length > 8 && text[8] === '{' && start.readBigUInt64LE() <= 100_000_000n) {
    return { format: 'safetensors' };
  }
  const hex = start.toString('hex');
  const foreign = FOREIGN.find(([mark, at]) => mark.test(hex.slice(2 * at)));
  if (foreign) return { is: foreign[2] };
  const foreignText = FOREIGN_TEXTS.find(([mark]) => mark.test(start.toString()));
  if (foreignText) return { is: foreignText[1] };
  if (/^\s{0,64}\{/.test(text)) return { format: 'json' };
  const name = extname(path).toLowerCase();
  if (Object.hasOwn(FOREIGN_NAMES, name)) return { is: FOREIGN_NAMES[name] as string };
  if (/\.data-\d{5}-of-\d{5}$/.test(path)) return { is: FOREIGN_NAMES['.index'] as string };
  if (/^[\t\n\r\x20-\x7e]+$/.test(text)) return { is: 'it is a text file' };
  return { is: 'its format is unknown, or its beginning is damaged' };
}

/** Whether a zip archive is one of PyTorch, whose first member is the dictionary. */
function isTorchArchive(start: Buffer): boolean {
  // A local file header: 30 bytes, then the member's name.
  const end = 30 + start.readUInt16LE(26);
  return start.toString('utf8', 30, end).endsWith('/data.pkl');
}

/** Says what a zip archive without Keras' weights is, by the names of its members. */
export function identifyArchive(names: readonly string[]): string {
  if (names.some((name) => /(^|\/)data\.pkl$/.test(name)))
    return `it is a .pth file of PyTorch: ${TORCH}`;
  if (names.some((name) => name.endsWith('.npy'))) return `it is an .npz file of NumPy: ${KERAS}`;
  if (names.some((name) => name.endsWith('saved_model.pb')))
    return `it is a TensorFlow SavedModel: ${KERAS}`;
  return 'it is a zip archive without model.weights.h5: unpack it, and pass the weights file';
}
