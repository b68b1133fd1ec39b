import { copyFile, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../files/make-folder.ts';
import { writeFileAtomically } from '../files/write-atomically.ts';
import type { SharedFeatures } from '../training/feature-cache.ts';
import { loadPackage } from './load-package.ts';

/** Files by name, of all machines of a sweep. */
interface Files {
  /** @returns undefined where there is none of this name */
  read(name: string): Promise<Uint8Array | undefined>;
  write(name: string, path: string): Promise<void>;
}

/**
 * Opens the place where machines keep features together. Where it fails, each computes what it lacks, and says so
 * once.
 *
 * @param place a folder, or `s3://bucket/prefix` in a bucket of S3 or another service with its protocol
 */
export function openShared(
  place: string | null,
  say: (line: string) => void,
): SharedFeatures | undefined {
  if (place === null) return undefined;
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(place) ?? [];
  const files = bucket === undefined ? filesIn(place) : filesOfBucket(bucket, prefix);
  let isBroken = false;
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    if (isBroken) return;
    await work().catch((error: unknown) => {
      isBroken = true;
      const reason = (error as Error).message.replace(/\.$/, '');
      say(`Features will not be shared at ${place}: ${reason}.`);
    });
  };
  return {
    fetch: (name, path) =>
      attempt(async () => {
        const content = await files.read(name);
        if (content) await writeFileAtomically(path, content);
      }),
    store: (name, path) => attempt(() => files.write(name, path)),
  };
}

function filesIn(folder: string): Files {
  return {
    read: (name) => readFile(join(folder, name)).catch(ignoreMissing),
    async write(name, path) {
      const target = join(folder, name);
      await makeFolder(dirname(target));
      // Several machines may write the same file, each under a name of its own until it is complete.
      const temporary = `${target}.${crypto.randomUUID()}`;
      try {
        await copyFile(path, temporary);
        await rename(temporary, target);
      } finally {
        await rm(temporary, { force: true });
      }
    },
  };
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** Reads the variables that AWS' own tools read: the keys, AWS_REGION and AWS_ENDPOINT_URL. */
function filesOfBucket(bucket: string, prefix: string): Files {
  const { AWS_REGION: region = 'us-east-1' } = process.env;
  const { AWS_ENDPOINT_URL: endpoint = `https://s3.${region}.amazonaws.com` } = process.env;
  const connect = async () => {
    const { AwsClient } = await loadPackage(() => import('aws4fetch'));
    return new AwsClient({
      accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '',
      ...(process.env['AWS_SESSION_TOKEN'] && { sessionToken: process.env['AWS_SESSION_TOKEN'] }),
      ...{ region, service: 's3', retries: 3 },
    });
  };
  const client = connect();
  // The first use reports it.
  client.catch(() => {});
  const urlOf = (name: string) =>
    [endpoint.replace(/\/$/, ''), bucket, ...prefix.split('/').filter(Boolean), name].join('/');
  const refuse = (response: Response) => {
    throw new Error(`${endpoint} answered with status ${response.status}`);
  };
  return {
    async read(name) {
      const response = await (await client).fetch(urlOf(name));
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      await response.body?.cancel();
      return response.status === 404 ? undefined : refuse(response);
    },
    async write(name, path) {
      const body = new Uint8Array(await readFile(path));
      const response = await (await client).fetch(urlOf(name), { method: 'PUT', body });
      await response.body?.cancel();
      if (!response.ok) refuse(response);
    },
  };
}
