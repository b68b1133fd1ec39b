import { servedLimits } from 'shared/images/served-limits';
import { MAX_VECTORS, VECTOR_BYTES } from 'shared/search/index-size';

/** The cost that one request may cause. */
export interface Limits {
  /** Longest `url` accepted, in characters. */
  readonly maxUrlLength: number;
  /** Redirects followed; each is checked like the first url. */
  readonly maxRedirects: number;
  /** From the request to the headers after the last redirect. */
  readonly headersTimeoutMs: number;
  /** From the headers to the last byte of the body. */
  readonly bodyTimeoutMs: number;
  /** From the headers of a request to the last byte of its body. */
  readonly uploadTimeoutMs: number;
  /** How long an upload may take before its rate counts. */
  readonly uploadGraceMs: number;
  /** The slowest average rate of an upload after that, in bytes per second. */
  readonly minUploadRate: number;
  /** Largest image file, counted after any content encoding is undone. */
  readonly maxBytes: number;
  /** Largest image file in a form, which is in memory twice for a while. */
  readonly maxFormBytes: number;
  /** Bytes of image files that all requests of an isolate may hold together. */
  readonly maxHeldBytes: number;
  /** Largest image, by the dimensions in its header. It bounds the decoding time. */
  readonly maxPixels: number;
  /** The most memory that decoding one image may take, computed from its header. */
  readonly maxDecodeBytes: number;
  /** Images of a batch that are fetched concurrently. */
  readonly batchConcurrency: number;
  /**
   * Requests to image hosts, redirects included, that a batch may make for a caller without a key. The
   * urls that remain after them are refused.
   */
  readonly maxBatchFetches: number;
  /** How long a response may be served from a cache. */
  readonly responseMaxAgeS: number;
  /** Models that an isolate keeps loaded. */
  readonly maxLoadedModels: number;
  readonly feedback: FeedbackLimits;
  readonly jobs: JobLimits;
}

/** Which images the bucket FEEDBACK keeps, where it is bound. */
export interface FeedbackLimits {
  /** A known image is doubtful where its largest probability is lower than this. */
  readonly doubtfulBelow: number;
  /** Images that are kept a day, of all models and of one class; isolates that keep some at once may exceed them a little. */
  readonly perDay: number;
  readonly perClass: number;
  /** Larger files are not kept. */
  readonly maxBytes: number;
}

/** Chunks of a page of a job's source: one list of a bucket has 1,000 keys, and a chunk 100. */
export const CHUNKS_PER_PAGE = 10;

interface JobLimits {
  /** Jobs of one key that may run at the same time. */
  readonly maxRunning: number;
  /** Jobs of one key that may classify what comes later. */
  readonly maxFollowing: number;
  /** Images in a message of the queue. */
  readonly chunkImages: number;
  /** Chunks that are enqueued and not yet done. The queue takes bursts of at most 10,000 messages. */
  readonly maxWaitingChunks: number;
  /** The same for urls, whose hosts are asked at a pace that no number of consumers raises. */
  readonly maxWaitingUrlChunks: number;
  /** Pages of the source that one step of the Workflow lists or reads, each of ten chunks. */
  readonly pagesPerStep: number;
  /** The shortest and the longest pause between two looks at the results. */
  readonly minPollMs: number;
  readonly maxPollMs: number;
  /** Steps after which a Workflow instance hands over to the next one. */
  readonly stepsPerInstance: number;
  /** How long after the last result the messages of a run count as lost, and are sent again. */
  readonly stalledMs: number;
  /** How long after its last step the Workflow of a job counts as lost, and another instance starts. */
  readonly lostMs: number;
  /** How often an image is tried that fails for a reason that may pass. */
  readonly maxTries: number;
  /** The pause before the second try; it is three times as long before each further one. */
  readonly retryDelayS: number;
  /** The longest that one image takes to be fetched and classified; after it, its consumer is gone. */
  readonly imageMs: number;
  /** How long a consumer begins to classify images of a chunk before it puts off the rest. */
  readonly chunkMs: number;
  /** The shortest time between two requests of an isolate to the same image host. */
  readonly hostIntervalMs: number;
  /** Failures in a row after which an isolate lets a host rest, and for how long. */
  readonly maxHostFailures: number;
  readonly hostRestMs: number;
  /** Chunks of results in one response. */
  readonly chunksPerResponse: number;
  readonly indexing: IndexingLimits;
}

/** How a job makes an index of its images. */
interface IndexingLimits {
  /** The most images of an index. */
  readonly maxImages: number;
  /** Bytes of all its vectors, which decide how many dimensions these have. */
  readonly vectorBytes: number;
  /** Chunks whose embeddings are in memory at the same time. */
  readonly chunksPerPart: number;
  /** Parts that one step of the Workflow makes. */
  readonly partsPerStep: number;
}

export const defaultLimits: Limits = {
  // Enough for a presigned url with a session token.
  maxUrlLength: 8192,
  maxRedirects: 5,
  headersTimeoutMs: 5_000,
  bodyTimeoutMs: 10_000,
  // Enough for a large photo over a slow mobile network.
  uploadTimeoutMs: 60_000,
  uploadGraceMs: 10_000,
  // Half the rate of EDGE.
  minUploadRate: 8 * 1024,
  maxBytes: servedLimits.maxFileBytes,
  maxFormBytes: 10 * 1024 * 1024,
  maxHeldBytes: 24 * 1024 * 1024,
  maxPixels: servedLimits.maxPixels,
  maxDecodeBytes: servedLimits.maxDecodeBytes,
  // A request may have six open connections, and the models and the cache need one each.
  batchConcurrency: 4,
  // One for each url of the largest batch.
  maxBatchFetches: 100,
  responseMaxAgeS: 3600,
  maxLoadedModels: 2,
  feedback: {
    // The two best classes are less than 0.2 apart only below it.
    doubtfulBelow: 0.6,
    perDay: 500,
    perClass: 20,
    maxBytes: 5 * 1024 * 1024,
  },
  jobs: {
    maxRunning: 4,
    maxFollowing: 8,
    chunkImages: 100,
    maxWaitingChunks: 5_000,
    maxWaitingUrlChunks: 50,
    // With the list and the writes of 200 pages, a step stays below half of a thousand subrequests.
    pagesPerStep: 200,
    minPollMs: 5_000,
    // With 2,000 chunks a step, 250 consumers are never idle: see bench/jobs/simulate.ts.
    maxPollMs: 8_000,
    stepsPerInstance: 4_000,
    // A consumer may take 15 minutes, and a retry waits.
    stalledMs: 30 * 60_000,
    // Many times the longest pause.
    lostMs: 10 * 60_000,
    maxTries: 3,
    retryDelayS: 20,
    // The timeouts of a fetch are a quarter of it, and the largest image takes seconds.
    imageMs: 60_000,
    chunkMs: 8 * 60_000,
    hostIntervalMs: 100,
    // A host that fails one request in ten fails so often in a row once in 100,000 requests.
    maxHostFailures: 5,
    // Shorter than the pauses before an image's second and third try together.
    hostRestMs: 60_000,
    chunksPerResponse: 300,
    indexing: {
      maxImages: MAX_VECTORS,
      vectorBytes: VECTOR_BYTES,
      // Of 2,048 features, 20 MB.
      chunksPerPart: 25,
      partsPerStep: 8,
    },
  },
};
