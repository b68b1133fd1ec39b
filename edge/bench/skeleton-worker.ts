import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import createWasmModule from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js';
import wasmSimd from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm';
import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { Hono } from 'hono';
import { openJpeg } from 'shared/images/jpeg/jpeg';
import { completeWasmModule } from 'shared/inference/complete-wasm-module';
import type { Env } from '../src/env.ts';
import { decoderPrograms } from '../src/input/decoder-programs.ts';

// A minimal Worker, as one would first write it, to compare cold starts with: stock tfjs with its own
// kernels and loader, in sequence. It has no limits, no guard, and no format except JPEG.

const SIZE = 224;
let model: GraphModel | undefined;

const app = new Hono<{ Bindings: Env }>().get('/classify', async (c) => {
  model ??= await load(c.env);
  const file = new Uint8Array(await (await fetch(c.req.query('url') ?? '')).arrayBuffer());
  const image = await openJpeg(file, decoderPrograms)?.decode(1);
  if (!image) return c.text('no JPEG', 415);
  const { width, height, data } = image;
  const graph = model;
  const probabilities = tf.tidy(() => {
    const rgbx = tf.tensor3d(new Int32Array(data), [height, width, 4], 'int32');
    const pixels = tf.slice(rgbx, [0, 0, 0], [-1, -1, 3]);
    const resized = tf.image.resizeBilinear(pixels, [SIZE, SIZE]);
    const input = tf.expandDims(tf.sub(tf.div(resized, 128), 127 / 128));
    return (graph.predict(input) as tf.Tensor).dataSync();
  });
  return c.json(probabilities.indexOf(Math.max(...probabilities)));
});

async function load(env: Env): Promise<GraphModel> {
  const module = await createWasmModule({
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(wasmSimd, imports);
      done(instance);
      return instance.exports;
    },
  });
  completeWasmModule(module);
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', () => new BackendWasm(module));
  await tf.setBackend('wasm');
  return loadGraphModel('https://assets.local/models/imagenet/model.json', {
    fetchFunc: (path) => env.ASSETS.fetch(`${path}`),
  });
}

/** @public wrangler's entry */
export default app;
