import { defineCommand } from './options/command.ts';

export const setup = defineCommand({
  name: 'setup',
  about: 'Download TensorFlow and build the native backend ahead of its use',
  details:
    'Into the cache folder of your machine (GRAFT_CACHE chooses another), once for all projects.',
  examples: [
    ['setup', 'for the processor'],
    ['setup --cuda', 'for an NVIDIA GPU, on Linux x64 (3.4 GB)'],
    ['doctor', 'what is there already'],
  ],
  options: {
    cuda: { group: 'Machine', about: 'the backend for NVIDIA GPUs' },
  },
  async run({ values, say }) {
    const { setUp } = await import('../backends/set-up.ts');
    await setUp(values.cuda ? 'cuda' : 'native', say);
  },
});
