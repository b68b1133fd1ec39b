import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { isNativeBackend, nativeBackend } from '../backends/native/native-backend.ts';
import type { LogEvent } from './run-log.ts';

/**
 * Adds the scalars of a log event to TensorBoard's event files in a run's `tensorboard` folder: training
 * loss and learning rate by step, validation loss and accuracy by epoch. TensorFlow writes the files, so
 * only the native backends have them. A resumed run adds a file.
 */
export function addToEventFiles(directory: string, event: LogEvent): void {
  if (!isNativeBackend()) return;
  const scalars = scalarsOf(event);
  if (scalars.length === 0) return;
  const backend = nativeBackend();
  const folder = join(directory, 'tensorboard');
  tf.tidy(() => {
    // TensorFlow keeps one writer per folder name, and creates it on first use.
    const writer = backend.summaryWriter(folder);
    backend.createSummaryFileWriter(writer, folder);
    for (const [name, value, step] of scalars) {
      backend.writeScalarSummary(writer, step, name, value);
    }
    backend.flushSummaryWriter(writer);
  });
}

type Scalar = [name: string, value: number, step: number];

function scalarsOf(event: LogEvent): Scalar[] {
  switch (event.event) {
    case 'steps': {
      const { stage, epoch, step, of, loss, learningRate } = event;
      const at = (epoch - 1) * of + step;
      const rate: Scalar[] =
        learningRate === undefined ? [] : [[`stage ${stage}/learning rate`, learningRate, at]];
      return [[`stage ${stage}/training loss`, loss, at], ...rate];
    }
    case 'epoch': {
      const { stage, epoch, validation } = event;
      return [
        [`stage ${stage}/validation loss`, validation.loss, epoch],
        [`stage ${stage}/validation accuracy`, validation.accuracy, epoch],
      ];
    }
    default:
      return [];
  }
}
