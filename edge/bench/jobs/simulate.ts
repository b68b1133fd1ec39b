/**
 * Simulates jobs of 10⁶ to 10⁸ images on Cloudflare's limits: `pnpm --filter edge bench:jobs-at-scale`.
 * The steps of the Workflow, the queue with up to 250 consumers, retries and stragglers are those of
 * src/jobs; the time of an image is assumed. The last line is JSON.
 */

import { reportFigures } from 'shared/bench/report-figures';
import { createRandom } from 'trainer/config/random';
import { pauseMs } from '../../src/jobs/pause.ts';
import { CPU_MS_PER_IMAGE, priceOf } from '../../src/jobs/price.ts';
import { CHUNKS_PER_PAGE, defaultLimits } from '../../src/limits.ts';

/** Cloudflare starts at most so many consumers of a queue. */
const MAX_CONSUMERS = 250;
/** Consumers that are added a minute while there is a backlog: a cautious guess, since nothing documents it. */
const CONSUMERS_PER_MINUTE = 20;
/** To read an image from R2, four of which are read at a time. */
const READ_MS = 40;
/** Chunks of which a delivery fails, and its pause. */
const RETRIED = 0.002;
const RETRY_MS = defaultLimits.jobs.retryDelayS * 1000;
/** Chunks that take ten times as long. */
const STRAGGLERS = 0.005;

const { chunkImages, maxWaitingChunks, pagesPerStep } = defaultLimits.jobs;

interface Simulated {
  readonly hours: number;
  readonly imagesPerSecond: number;
  readonly steps: number;
  readonly maxBacklog: number;
  readonly messages: number;
  readonly usd: number;
  /** Time ÷ that of 250 consumers which are never idle. */
  readonly ratioIdeal: number;
}

function simulate(images: number): Simulated {
  const random = createRandom(1);
  const chunks = Math.ceil(images / chunkImages);
  const idealMs = chunkImages * Math.max(CPU_MS_PER_IMAGE, READ_MS / 4);
  // The times at which consumers are free, and those at which messages come again.
  const consumers = new Heap();
  consumers.push(0);
  const again = new Heap();
  const finished = new Heap();
  let [enqueued, waiting, done, messages, steps, now, backlog, maxBacklog] = [
    0, 0, 0, 0, 0, 0, 0, 0,
  ];
  let alive = 1;
  while (done < chunks) {
    // A step of the Workflow: it counts what is done, and enqueues pages while there is room.
    for (; finished.top() <= now; finished.pop()) {
      done += 1;
      waiting -= 1;
    }
    for (
      let page = 0;
      page < pagesPerStep && waiting < maxWaitingChunks && enqueued < chunks;
      page++
    ) {
      const count = Math.min(CHUNKS_PER_PAGE, chunks - enqueued);
      enqueued += count;
      waiting += count;
      backlog += count;
      messages += count;
    }
    steps += 1;
    maxBacklog = Math.max(maxBacklog, backlog);
    const next = now + pauseMs({ runStartedAt: 0, updatedAt: now }, defaultLimits);
    while (true) {
      const allowed = Math.min(MAX_CONSUMERS, 1 + (now / 60_000) * CONSUMERS_PER_MINUTE);
      for (; alive < allowed && backlog > 0; alive++) consumers.push(now);
      for (; again.top() <= Math.max(now, consumers.top()); again.pop()) backlog += 1;
      if (backlog === 0 || consumers.top() >= next) break;
      const start = Math.max(now, consumers.pop());
      backlog -= 1;
      const slowness = (0.7 + 0.6 * random.float()) * (random.float() < STRAGGLERS ? 10 : 1);
      const end = start + idealMs * slowness;
      consumers.push(end);
      if (random.float() < RETRIED) {
        messages += 1;
        again.push(end + RETRY_MS);
      } else finished.push(end);
    }
    now = next;
  }
  const pages = Math.ceil(chunks / CHUNKS_PER_PAGE);
  const { total } = priceOf({ images, messages, pages, rounds: steps, isBucket: true });
  return {
    hours: round(now / 3.6e6, 3),
    imagesPerSecond: Math.round((images / now) * 1000),
    steps,
    maxBacklog,
    messages,
    usd: round(total, 2),
    ratioIdeal: round((now * MAX_CONSUMERS) / (chunks * idealMs), 2),
  };
}

/** The least number is at the top; infinity where there is none. */
class Heap {
  readonly #items: number[] = [];

  top(): number {
    return this.#items[0] ?? Number.POSITIVE_INFINITY;
  }

  push(value: number): void {
    const items = this.#items;
    let at = items.push(value) - 1;
    for (let up = (at - 1) >> 1; at > 0 && (items[up] as number) > value; up = (at - 1) >> 1) {
      items[at] = items[up] as number;
      at = up;
    }
    items[at] = value;
  }

  pop(): number {
    const items = this.#items;
    const top = this.top();
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    while (true) {
      let down = 2 * at + 1;
      if (down >= items.length) break;
      const right = items[down + 1];
      if (right !== undefined && right < (items[down] as number)) down += 1;
      if ((items[down] as number) >= last) break;
      items[at] = items[down] as number;
      at = down;
    }
    items[at] = last;
    return top;
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const results = Object.fromEntries(
  [1e6, 1e7, 1e8].map((images) => {
    const result = simulate(images);
    console.log(
      `${images.toExponential(0)} images: ${result.hours} h, ${result.imagesPerSecond} a second, ` +
        `$${result.usd}, ${result.steps} steps, at most ${result.maxBacklog} messages at a time`,
    );
    return [images.toExponential(0).replace('+', ''), result];
  }),
);
await reportFigures('edge bench:jobs-at-scale', results);
