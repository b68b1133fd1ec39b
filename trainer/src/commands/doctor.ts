import { defineCommand } from './options/command.ts';
import * as shared from './options/shared-options.ts';

export const doctor = defineCommand({
  name: 'doctor',
  about: 'Try every backend, measure each, and say how to add what is missing',
  details: 'Takes half a minute, downloads nothing and changes nothing.',
  examples: [
    ['doctor', 'what trains on this machine, and how fast'],
    ['setup', 'then add the native backend'],
    ['train --backend wasm', 'or choose one that works'],
  ],
  options: { ...shared.json },
  async run({ values, say }) {
    const { diagnose } = await import('../backends/diagnose.ts');
    const report = await diagnose(values.json ? () => {} : say);
    if (values.json) say(JSON.stringify(report));
  },
});
