/** What Cloudflare bills for one of each, in US dollars, beyond what the paid plan includes (November 2026). */
const USD = {
  queueOperation: 0.4e-6,
  r2Write: 4.5e-6,
  r2Read: 0.36e-6,
  request: 0.3e-6,
  cpuMs: 0.02e-6,
} as const;

/** A message is written, read and deleted. */
const OPERATIONS_PER_MESSAGE = 3;

/** Of a chunk besides its images: its job, whether it is cancelled, its page, its result, its tries. */
const READS_PER_CHUNK = 5;

/** A list, a look whether the page is there, and a write. */
const WRITES_PER_PAGE = 2;

/**
 * CPU time of an image of 500×333 pixels, decoded and classified at 224 pixels, with all that a job does for it:
 * `cpu_ms.jobs` of docs/benchmarks/edge-bench-jobs.json.
 */
export const CPU_MS_PER_IMAGE = 12;

/** What a job has done so far. */
export interface JobWork {
  readonly images: number;
  readonly messages: number;
  readonly pages: number;
  readonly rounds: number;
  /** Whether each image is an object of a bucket, which is billed as a read. */
  readonly isBucket: boolean;
}

/** What a job costs, without the storage of its results, by item. */
export function priceOf({ images, messages, pages, rounds, isBucket }: JobWork) {
  const items = {
    queue: messages * OPERATIONS_PER_MESSAGE * USD.queueOperation,
    reads: (messages * READS_PER_CHUNK + pages + (isBucket ? images : 0)) * USD.r2Read,
    // A round lists the results and writes the state.
    writes: (messages + pages * WRITES_PER_PAGE + rounds * 2) * USD.r2Write,
    requests: (messages + rounds) * USD.request,
    cpu: images * CPU_MS_PER_IMAGE * USD.cpuMs,
  };
  return { ...items, total: Object.values(items).reduce((sum, usd) => sum + usd, 0) };
}
