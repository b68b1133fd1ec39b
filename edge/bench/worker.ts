import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { topPredictions } from 'shared/contract/predictions';
import { createApp } from '../src/app.ts';
import type { Env } from '../src/env.ts';
import { decode } from '../src/input/decode.ts';
import { preprocess } from '../src/input/preprocess.ts';
import { defaultLimits } from '../src/limits.ts';
import { callRecorder, startBackend } from '../src/models/backend.ts';
import { withModel } from '../src/models/model.ts';
import { resolveModel } from '../src/models/models-index.ts';
import type { InferenceCost } from './measuring/inference-cost.ts';
import {
  inFloat32,
  type Kernels,
  registeredKernels,
  useKernels,
} from './measuring/swap-kernels.ts';

const app = createApp();
/** The kernels before the backend starts, which replaces them. */
const stock = registeredKernels();
let ours: Kernels | undefined;

/**
 * The Worker, whose parts can also run alone, any number of times in one request, so that they can be
 * timed from outside, since the clock in a Worker stands still.
 *
 * @public wrangler's entry
 */
export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    switch (pathname) {
      case '/tensors':
        return new Response(`${tf.memory().numTensors}`);
      case '/nothing':
        return new Response('');
      case '/kernels': {
        await startBackend();
        ours ??= registeredKernels();
        const use = searchParams.get('use');
        const isStock = use === 'stock';
        useKernels(isStock ? stock : use === 'float32' ? inFloat32(ours) : ours);
        const recorder = callRecorder();
        if (recorder) recorder.paused = isStock;
        // Drops all models, whose weights were loaded by the other kernels.
        await withModel(env, 'cifar10', 0, (model) => model);
        return new Response('');
      }
      case '/minimal':
        return classifyMinimally(searchParams, env);
      case '/inference':
        return Response.json(await timeInference(env, searchParams.get('model') ?? ''));
      case '/part':
        await runPart(searchParams, env);
        return new Response('');
      default:
        return app.fetch(request, env, context);
    }
  },
} satisfies ExportedHandler<Env>;

/** Runs one part. The query has `part`, `times`, `model`, and the `url` of an image. */
async function runPart(query: URLSearchParams, env: Env): Promise<void> {
  const url = query.get('url') ?? '';
  const model = await withModel(env, query.get('model') ?? '', 1, (model) => model);
  const spec = model.card.preprocess;
  const file = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const { image } = await decode(file, defaultLimits, spec.size);
  const input = preprocess(image, spec);
  const parts: Record<string, () => unknown> = {
    fetch: async () => (await fetch(url)).arrayBuffer(),
    decode: () => decode(file, defaultLimits, spec.size),
    preprocess: () => preprocess(image, spec, model.input),
    inference: () => model.classify(input),
    decodeToInference: async () => {
      const { image } = await decode(file, defaultLimits, spec.size);
      model.classify(preprocess(image, spec, model.input));
    },
  };
  const run = parts[query.get('part') ?? ''];
  if (!run) throw new Error(`There is no such part; there are ${Object.keys(parts).join(', ')}.`);
  for (let i = 0; i < Number(query.get('times')); i++) await run();
}

/** The least work of a Worker: no guard, no limits, no middleware, no log. */
async function classifyMinimally(query: URLSearchParams, env: Env): Promise<Response> {
  const model = await withModel(env, query.get('model') ?? '', 1, (model) => model);
  const { preprocess: spec, labels } = model.card;
  const file = new Uint8Array(await (await fetch(query.get('url') ?? '')).arrayBuffer());
  const { image } = await decode(file, defaultLimits, spec.size);
  const probabilities = model.classify(preprocess(image, spec, model.input));
  return Response.json(topPredictions(probabilities, labels, 5));
}

/** Times a model's bare inference; each figure is the mean of a batch of about 50 ms. */
async function timeInference(env: Env, reference: string): Promise<InferenceCost> {
  const { directory } = await resolveModel(env, reference);
  const model = await withModel(env, directory, 1, (model) => model);
  const input = new Float32Array(model.card.preprocess.size ** 2 * 3).fill(0.5);
  const time = (count: number): number => {
    const start = performance.now();
    for (let i = 0; i < count; i++) model.classify(input);
    return (performance.now() - start) / count;
  };
  time(3);
  const batch = Math.ceil(50 / Math.max(1, time(1)));
  const rounds = Math.max(3, Math.ceil(2000 / Math.max(50, time(batch) * batch)));
  const ms = Array.from({ length: rounds }, () => time(batch));
  return { ms, wasmBytes: (tf.backend() as BackendWasm).wasm.HEAPU8.byteLength };
}
