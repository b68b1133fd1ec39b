import { readFileSync } from 'node:fs';
import type { experimental_readRawConfig } from 'wrangler';

type RawConfig = ReturnType<typeof experimental_readRawConfig>['rawConfig'];

/** What `graft deploy --<extra>` adds. The entry of a later one has what the ones before need. */
export const extras = ['jobs', 'search'] as const;

export type Extra = (typeof extras)[number];

/** What an extra adds to a configuration: the lines of wrangler.jsonc that begin with `// <extra>:`. */
interface ExtraConfig {
  readonly main: string;
  readonly r2_buckets: readonly { readonly binding: string; readonly bucket_name: string }[];
  readonly queues?: { readonly consumers: readonly { readonly queue: string }[] };
  readonly workflows?: readonly object[];
}

/** @param file a wrangler.jsonc */
export function readExtraConfig(file: string, extra: Extra): ExtraConfig {
  const pattern = new RegExp(`^\\s*// ${extra}:(.*)$`, 'gm');
  const lines = readFileSync(file, 'utf8').matchAll(pattern);
  const text = [...lines].map(([, line]) => line).join('\n');
  if (text === '') throw new Error(`Expected the lines on ${extra}, // ${extra}: …, in ${file}.`);
  return JSON.parse(`{${text.replace(/,\s*$/, '')}}`) as ExtraConfig;
}

/** Adds an extra to a configuration; what it has of it already stays. */
export function withExtra(config: RawConfig, file: string, extra: Extra): RawConfig {
  const { main, r2_buckets, queues, workflows } = readExtraConfig(file, extra);
  const own: readonly { readonly binding: string }[] = config.r2_buckets ?? [];
  const bound = new Set(own.map(({ binding }) => binding));
  return {
    ...config,
    main,
    r2_buckets: [...own, ...r2_buckets.filter(({ binding }) => !bound.has(binding))],
    ...(queues && !config.queues && { queues }),
    ...(workflows && !config.workflows && { workflows }),
  } as RawConfig;
}
