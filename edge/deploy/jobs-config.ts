import { readFileSync } from 'node:fs';
import type { experimental_readRawConfig } from 'wrangler';

type RawConfig = ReturnType<typeof experimental_readRawConfig>['rawConfig'];

/** What jobs add to a configuration: the lines of wrangler.jsonc that begin with `// jobs:`. */
interface JobsConfig {
  readonly main: string;
  readonly r2_buckets: readonly { readonly binding: string; readonly bucket_name: string }[];
  readonly queues: { readonly consumers: readonly { readonly queue: string }[] };
  readonly workflows: readonly object[];
}

/** @param file a wrangler.jsonc */
export function readJobsConfig(file: string): JobsConfig {
  const lines = readFileSync(file, 'utf8').matchAll(/^\s*\/\/ jobs:(.*)$/gm);
  const text = [...lines].map(([, line]) => line).join('\n');
  if (text === '') throw new Error(`Expected the lines on jobs, // jobs: …, in ${file}.`);
  return JSON.parse(`{${text.replace(/,\s*$/, '')}}`) as JobsConfig;
}

/** Adds jobs to a configuration; what it has of them already stays. */
export function withJobsConfig(config: RawConfig, file: string): RawConfig {
  const { main, r2_buckets, queues, workflows } = readJobsConfig(file);
  const own = config.r2_buckets ?? [];
  const isBound = own.some(({ binding }: { binding: string }) => binding === 'JOBS');
  return {
    ...config,
    main,
    r2_buckets: isBound ? own : [...own, ...r2_buckets],
    ...(!config.queues && { queues }),
    ...(!config.workflows && { workflows }),
  } as RawConfig;
}
