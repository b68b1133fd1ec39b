// Runs in browsers: a bundler makes one program of this and of what the Worker computes with.

import simd from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm';
import { knownOf } from 'shared/contract/known-score';
import { predictionsOf } from 'shared/contract/predictions';
import type { ClassifyResponse } from 'shared/contract/responses';
import { createImageDecoder } from 'shared/images/decode';
import type { DecoderProgram, DecoderPrograms } from 'shared/images/decoder-programs';
import type { Image } from 'shared/images/image';
import { createPreprocess } from 'shared/images/preprocess/preprocess';
import resize from 'shared/images/preprocess/resize.wasm';
import type { ResizeKernel } from 'shared/images/preprocess/resize-kernel';
import { createPixelSink } from 'shared/images/reduce/pixel-sink';
import { reductionFor } from 'shared/images/reduce/reduction';
import { servedLimits } from 'shared/images/served-limits';
import { startServedBackend } from 'shared/inference/bundled/served-backend';
import { foldGraph } from 'shared/inference/fold-constants';
import cnnKernels from 'shared/inference/kernels/cnn-kernels.wasm';
import { type ReadFile, readModelDirectory } from 'shared/inference/model-directory';
import { createNetwork } from 'shared/inference/network';

// TypeScript has these only among the types of browsers.
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  readonly Instance: new (program: object) => { readonly exports: object };
};
declare const OffscreenCanvas: new (
  width: number,
  height: number,
) => {
  getContext(kind: '2d'): {
    drawImage(image: Bitmap, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): Pixels;
  };
};

interface Bitmap {
  readonly width: number;
  readonly height: number;
}
/** An `ImageData`: RGBA, row by row, with colours not multiplied by alpha. */
interface Pixels extends Bitmap {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** As the Worker's, but for what only a file has. */
type Answer = Omit<ClassifyResponse, 'image' | 'feedback'> & { readonly image: Bitmap };

/** @param importBytes of a module, which is compiled once */
function program(
  importBytes: () => Promise<{ default: Uint8Array }>,
): () => Promise<DecoderProgram> {
  let compiled: Promise<DecoderProgram> | undefined;
  return () => {
    compiled ??= importBytes().then((bytes) => WebAssembly.compile(bytes.default));
    return compiled;
  };
}

const programs: DecoderPrograms = {
  jpeg: program(() => import('shared/decoders/jpeg/jpeg.wasm')),
  webp: program(() => import('shared/decoders/webp/webp.wasm')),
  dav1d: program(() => import('shared/decoders/dav1d/dav1d.wasm')),
  rows: program(() => import('shared/decoders/rows/rows.wasm')),
  reduce: program(() => import('shared/images/reduce/reduce.wasm')),
  lcms2: program(() => import('shared/decoders/lcms2/lcms2.wasm')),
};
const decodeImage = createImageDecoder(programs);

/** @param urls of the model's files, by their names */
export function createClassifier(urls: Readonly<Record<string, URL>>) {
  let loading: ReturnType<typeof load> | undefined;
  const loaded = () => {
    // After a failure, such as a network that is away, the next call tries again.
    loading ??= load(readFrom(urls)).catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return {
    load: async () => {
      await loaded();
    },
    async classify(
      image: Bitmap | Pixels | Blob,
      { top = 5 }: { readonly top?: number } = {},
    ): Promise<Answer> {
      const model = await loaded();
      return model(await pixelsOf(image, model.size), top);
    },
  };
}

function readFrom(urls: Readonly<Record<string, URL>>): ReadFile {
  return async (name) => {
    const url = urls[name];
    if (!url) throw new Error(`The model has no file ${name}.`);
    const response = await fetch(url);
    if (!response.ok) {
      throw new Error(`Expected the model at ${url}, but got the status ${response.status}.`);
    }
    return new Uint8Array(await response.arrayBuffer());
  };
}

async function load(read: ReadFile) {
  const [{ card, version, artifacts }, simdProgram, resizeProgram] = await Promise.all([
    readModelDirectory(read),
    WebAssembly.compile(simd),
    WebAssembly.compile(resize),
  ]);
  // Without relaxed SIMD, it does not compile.
  const kernels = WebAssembly.compile(cnnKernels).catch(() => undefined);
  const { recorder } = await startServedBackend(simdProgram, kernels);
  const preprocess = createPreprocess(
    new WebAssembly.Instance(resizeProgram).exports as ResizeKernel,
  );
  const { size } = card.preprocess;
  const { arithmetic } = card.quantization;
  const network = createNetwork(foldGraph(artifacts), { arithmetic, size, recorder });
  const answer = ({ image, width, height }: Opened, top: number): Answer => {
    const outputs = network.predict(preprocess(image, card.preprocess));
    return {
      model: { id: card.id, version },
      image: { width, height },
      ...knownOf(outputs[card.labels.length]),
      ...(card.multiLabel && { multiLabel: true }),
      predictions: predictionsOf(outputs, card, top),
    };
  };
  return Object.assign(answer, { size });
}

interface Opened extends Bitmap {
  readonly image: Image;
}

/** @param size side of the network's input, for which a large image is reduced */
async function pixelsOf(image: Bitmap | Pixels | Blob, size: number): Promise<Opened> {
  if ('arrayBuffer' in image) {
    const bytes = new Uint8Array(await image.arrayBuffer());
    const {
      width,
      height,
      image: decoded,
    } = await decodeImage(bytes, { size, limits: servedLimits });
    return { width, height, image: decoded };
  }
  const { width, height, data } = 'data' in image ? image : drawn(image);
  const sink = await createPixelSink(programs, width, height, reductionFor(width, height, size));
  const rows = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let y = 0; y < height; y++) sink.add(rows.subarray(y * width * 4, (y + 1) * width * 4), y);
  return { width, height, image: sink.finish() };
}

function drawn(bitmap: Bitmap): Pixels {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}
