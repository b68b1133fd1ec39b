import { defineCommand } from './options/command.ts';

export const doctor = defineCommand({
  name: 'doctor',
  about: 'Try every backend, measure each, and say how to add what is missing',
  details: 'Takes half a minute, downloads nothing and changes nothing.',
  examples: [
    ['doctor', 'what trains on this machine, and how fast'],
    ['setup', 'then add the native backend'],
    ['train --backend wasm', 'or choose one that works'],
  ],
  options: {},
  async run({ say }) {
    const { diagnose } = await import('../backends/diagnose.ts');
    await diagnose(say);
  },
});
