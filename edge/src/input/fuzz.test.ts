import { mutate, mutated } from 'shared/test/mutate';
import { expect, inject, test } from 'vitest';
import { ask } from '../../test/ask.ts';
import { createApp } from '../app.ts';

const host = inject('imageHost');

async function read(name: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(`${host}/${name}`)).arrayBuffer());
}

test('never responds to a mutated image with an internal error', async () => {
  const app = createApp();
  for (const name of mutated) {
    const whole = await read(name);
    for (let seed = 1000; seed < 1020; seed++) {
      const body = mutate(whole, seed);
      const { status } = await ask(app, '/classify?model=cifar10', { method: 'POST', body });
      expect([name, seed, status]).toEqual([name, seed, expect.toBeOneOf([200, 400, 415, 422])]);
    }
    const { status } = await ask(app, '/classify?model=cifar10', { method: 'POST', body: whole });
    expect([name, status]).toEqual([name, 200]);
  }
}, 120_000);
