import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { createApp } from '../src/app.ts';
import type { Env } from '../src/env.ts';
import { defaultLimits } from '../src/limits.ts';
import { withModel } from '../src/model.ts';
import { resolveModel } from '../src/models-index.ts';
import { decode } from '../src/pictures/decode.ts';
import { preprocess } from '../src/preprocess.ts';
import type { InferenceCost, Timings } from './timings.ts';

const app = createApp();

/**
 * Times `/classify` and the bare inference in turns, so that whatever else the machine does meets
 * both. Batches, since workerd's clock ticks in whole milliseconds.
 *
 * @public wrangler's entry
 */
export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/tensors') return new Response(`${tf.memory().numTensors}`);
    if (pathname === '/inference') {
      return Response.json(await timeInference(env, searchParams.get('model') ?? ''));
    }
    if (pathname !== '/bench') return app.fetch(request, env, context);
    const url = searchParams.get('url') ?? '';
    const batch = Number(searchParams.get('batch'));
    const query = `http://graft.test/classify?${new URLSearchParams({ url })}`;
    const { directory } = await resolveModel(env, undefined);
    const model = await withModel(env, directory, 1, (loading) => loading);
    const file = new Uint8Array(await (await fetch(url)).arrayBuffer());
    const input = preprocess(
      (await decode(file, defaultLimits, model.card.preprocess.size)).picture,
      model.card.preprocess,
    );

    // Past the cache, which would answer all but the first.
    const headers = { 'cache-control': 'no-store' };
    const classify = async (): Promise<Response> => {
      const response = await app.fetch(new Request(query, { headers }), env, context);
      await response.text();
      return response;
    };
    const inTurn = async <T>(run: () => T): Promise<Awaited<T>[]> => {
      const results: Awaited<T>[] = [];
      for (let i = 0; i < batch; i++) results.push(await run());
      return results;
    };
    const timings: Timings = { bareMs: [], fetchMs: [], endToEndMs: [], busyMs: [], stagesMs: {} };
    for (let round = 0; round < Number(searchParams.get('rounds')); round++) {
      const times = [performance.now()];
      await inTurn(() => model.classify(input));
      times.push(performance.now());
      await inTurn(async () => (await fetch(url)).arrayBuffer());
      times.push(performance.now());
      const responses = await inTurn(classify);
      times.push(performance.now());
      await Promise.all(Array.from({ length: batch }, classify));
      times.push(performance.now());
      [timings.bareMs, timings.fetchMs, timings.endToEndMs, timings.busyMs].forEach((list, i) => {
        list.push(((times[i + 1] as number) - (times[i] as number)) / batch);
      });
      for (const [stage, ms] of meanStages(responses)) {
        timings.stagesMs[stage] ??= [];
        timings.stagesMs[stage].push(ms);
      }
    }
    return Response.json(timings);
  },
} satisfies ExportedHandler<Env>;

/** Times a model's bare inference, each figure the mean of as many as fill 50 ms. */
async function timeInference(env: Env, reference: string): Promise<InferenceCost> {
  const { directory } = await resolveModel(env, reference);
  const model = await withModel(env, directory, 1, (loading) => loading);
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

function meanStages(responses: readonly Response[]): Map<string, number> {
  const means = new Map<string, number>();
  for (const response of responses) {
    const header = response.headers.get('server-timing');
    if (!response.ok || !header) throw new Error(`/classify answered with ${response.status}.`);
    for (const [, stage = '', ms] of header.matchAll(/(\w+);dur=([\d.]+)/g)) {
      means.set(stage, (means.get(stage) ?? 0) + Number(ms) / responses.length);
    }
  }
  return means;
}
