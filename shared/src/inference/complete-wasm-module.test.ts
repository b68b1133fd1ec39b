import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { expect, test } from 'vitest';
import { completeWasmModule } from './complete-wasm-module.ts';

function completed(address: number): { _malloc(bytes: number): number } {
  const module = { cwrap: () => () => undefined, _malloc: () => address, _free: () => undefined };
  completeWasmModule(module as unknown as BackendWasm['wasm']);
  return module as { _malloc(bytes: number): number };
}

test('memory that is full throws, and is no address', () => {
  expect(() => completed(0)._malloc(3e6)).toThrow('has no 3 MB left');
  expect(completed(0)._malloc(0)).toBe(0);
});

test('an address beyond 2 GiB is no negative number', () => {
  expect(completed(-16)._malloc(8)).toBe(2 ** 32 - 16);
});
