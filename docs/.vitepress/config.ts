import { defineConfig } from 'vitepress';

/** The pages by section, in reading order; a page that is missing here fails the test beside this folder. */
export const sections: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Start: {
    'getting-started': 'Getting started',
    'first-hour': 'The first hour',
    'own-project': 'Your own project',
    'own-photos': 'Your own photos',
    'photo-folders': 'How folders are read',
    commands: 'Commands',
    deployment: 'Deployment and price',
    'deploy-button': 'Deploy button',
  },
  Training: {
    training: 'Training and recipes',
    configuration: 'Configuration',
    sweeps: 'Sweeps',
    evaluation: 'Evaluate, predict, export',
    'unknown-images': 'Unknown images',
    'multi-label': 'Several labels an image',
    review: 'Review',
    architectures: 'Architectures',
    backends: 'Backends',
    'training-images': 'How the trainer reads images',
  },
  Serving: {
    'http-api': 'HTTP API',
    versions: 'Versions',
    feedback: 'Doubtful images',
    jobs: 'Jobs',
    search: 'Similar images',
    security: 'Security',
    images: 'Images',
    arithmetic: 'Arithmetic',
  },
  Reference: {
    architecture: 'Architecture',
    benchmarks: 'Benchmarks',
    'benchmarks/real-photos': 'Real photos',
    'benchmarks/own-photos': 'Your own photos, measured',
  },
};

const sidebar = Object.entries(sections).map(([text, pages]) => ({
  text,
  items: Object.entries(pages).map(([page, text]) => ({ text, link: `/${page}` })),
}));

export default defineConfig({
  title: 'Graft',
  description: 'Train an image classifier on your own photos and serve it at the edge.',
  cleanUrls: true,
  head: [['style', {}, '.wide-tables td:nth-child(2) { min-width: 15rem }']],
  // The page's own links and those between pages; a dead one fails the build.
  ignoreDeadLinks: [/^https?:\/\/localhost/],
  themeConfig: {
    sidebar,
    outline: [2, 3],
    search: { provider: 'local' },
  },
});
