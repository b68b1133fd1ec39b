import { TrainerError } from '../errors.ts';

/** @param but says why the file cannot be used, such as `it is a folder` */
export function weightsInvalid(path: string, but: string, cause?: unknown): TrainerError {
  return new TrainerError(
    'weights_invalid',
    `Expected weights of Keras (.h5, .weights.h5, .keras) or safetensors at ${path}, but ${but}.`,
    cause,
  );
}
