import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, inject, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { addToEventFiles } from './event-files.ts';
import type { LogEvent } from './run-log.ts';

let directory: string;
beforeEach(async () => {
  directory = await temporaryFolder();
});

const events: LogEvent[] = [
  { event: 'features' },
  { event: 'steps', stage: 2, epoch: 3, step: 5, of: 10, loss: 0.625 },
  {
    event: 'epoch',
    stage: 2,
    epoch: 3,
    loss: 0.5,
    validation: { accuracy: 0.75, loss: 0.375 },
    seconds: 60,
  },
];

/** A file's TFRecords: length, checksum, data, checksum. */
function recordsOf(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    records.push(file.subarray(at + 12, at + 12 + length));
    at += 12 + length + 4;
  }
  return records;
}

test.skipIf(!inject('native'))("writes the log's scalars for TensorBoard", async () => {
  await startBackend('native', () => {});
  const before = tf.memory().numTensors;
  for (const event of events) addToEventFiles(directory, event);
  expect(tf.memory().numTensors).toBe(before);
  const folder = join(directory, 'tensorboard');
  const files = await readdir(folder);
  expect(files).toEqual([expect.stringMatching(/^events\.out\.tfevents\./)]);
  const [version, ...scalars] = recordsOf(await readFile(join(folder, files[0] as string)));
  expect(version?.toString()).toContain('brain.Event:2');
  // An event's field 2 is its step; of its scalar, field 1 is the tag and field 2 the value.
  expect(scalars.map((record) => scalarIn(record))).toEqual([
    ['stage 2/training loss', 0.625, 25],
    ['stage 2/validation loss', 0.375, 3],
    ['stage 2/validation accuracy', 0.75, 3],
  ]);
});

function scalarIn(event: Buffer): [string, number, number] {
  // Field 1, the time, is a double after its key; then comes field 2, a small number.
  expect([event[0], event[9]]).toEqual([0x09, 0x10]);
  const tagAt = event.indexOf('stage');
  const tagLength = event[tagAt - 1] as number;
  const tagEnd = tagAt + tagLength;
  const valueAt = event.indexOf(0x15, tagEnd) + 1;
  return [event.toString('utf8', tagAt, tagEnd), event.readFloatLE(valueAt), event[10] as number];
}

test('writes nothing without TensorFlow', async () => {
  await startBackend('cpu', () => {});
  for (const event of events) addToEventFiles(directory, event);
  expect(await readdir(directory)).toEqual([]);
});
