import type { ObjectEvent } from '../../env.ts';
import { type Job, type JobsEnv, keys } from '../job.ts';

/** Marks a job of a bucket as one that classifies what comes later. */
export async function followBucket({ JOBS }: JobsEnv, job: Job): Promise<void> {
  if (!('bucket' in job.source)) return;
  const { bucket, prefix } = job.source;
  const customMetadata = { bucket, prefix: JSON.stringify(prefix) };
  await JOBS.put(keys.following(job.keyHash, job.id), '', { customMetadata });
}

/** A job that an event may concern, and the bucket that it follows. */
export interface Follower {
  readonly job: string;
  readonly bucket: string;
}

/** The jobs that follow a bucket whose keys begin as that of an event. Which bucket that is, its object says. */
export async function followersOf({ JOBS }: JobsEnv, { object }: ObjectEvent): Promise<Follower[]> {
  const followers: Follower[] = [];
  let cursor: string | undefined;
  do {
    const listed = await JOBS.list({
      prefix: keys.following(),
      include: ['customMetadata'],
      ...(cursor !== undefined && { cursor }),
    });
    for (const { key, customMetadata = {} } of listed.objects) {
      const { bucket = '', prefix = '""' } = customMetadata;
      if (!object.key.startsWith(JSON.parse(prefix) as string)) continue;
      followers.push({ job: key.slice(key.lastIndexOf('/') + 1), bucket });
    }
    cursor = listed.truncated ? listed.cursor : undefined;
  } while (cursor !== undefined);
  return followers;
}
