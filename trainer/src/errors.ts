import { printable } from './printable.ts';

/** Every way the trainer can fail that its user can do something about. */
export type TrainerErrorCode =
  | 'backend_unavailable'
  | 'download_failed'
  | 'dataset_invalid'
  | 'weights_invalid'
  | 'config_invalid'
  | 'checkpoint_invalid'
  | 'run_invalid'
  | 'model_invalid'
  | 'loss_not_finite'
  | 'disk_full'
  | 'not_writable'
  | 'queue_unavailable'
  | 'interrupted';

/**
 * The one error class of the trainer. The message is one sentence for the
 * terminal: what was expected, what came, what to do.
 */
export class TrainerError extends Error {
  readonly code: TrainerErrorCode;

  constructor(code: TrainerErrorCode, message: string, cause?: unknown) {
    // What a stranger named must not steer the terminal.
    super(printable(message), { cause });
    this.name = 'TrainerError';
    this.code = code;
  }
}
