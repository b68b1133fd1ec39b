/** Tries the backend named on the command line and prints one line of JSON, a `Diagnosis`. */

import '../files/float16-array.ts';
import { TrainerError } from '../errors.ts';
import type { Diagnosis } from './diagnose.ts';
import { measureSpeed } from './measure-speed.ts';
import { type BackendName, startBackend } from './start-backend.ts';

async function diagnosis(name: BackendName): Promise<Diagnosis> {
  try {
    const { description } = await startBackend(name, () => {}, { install: false });
    return { kind: 'works', description, speed: await measureSpeed() };
  } catch (error) {
    if (!(error instanceof TrainerError)) throw error;
    return { kind: 'missing', problem: error.message };
  }
}

console.log(JSON.stringify(await diagnosis(process.argv[2] as BackendName)));
