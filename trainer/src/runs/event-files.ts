import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { isNativeBackend, nativeBackend } from '../backends/native/native-backend.ts';
import type { LogEvent } from './run-log.ts';

/**
 * Adds the log's scalars to TensorBoard's event files in a run's `tensorboard` folder: the training
 * loss and the learning rate by step, the validation by epoch. TensorFlow itself writes them, so the backends without it have
 * none. A run that goes on adds a file.
 */
export function addToEventFiles(directory: string, event: LogEvent): void {
  if (!isNativeBackend()) return;
  const scalars = scalarsOf(event);
  if (scalars.length === 0) return;
  const backend = nativeBackend();
  const folder = join(directory, 'tensorboard');
  tf.tidy(() => {
    // TensorFlow keeps one by the folder's name, and makes it where there is none.
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
