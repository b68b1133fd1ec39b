import { defineConfig } from 'vitepress';

/** The pages in reading order; a page that is missing here fails the test beside this folder. */
const sidebar = [
  {
    text: 'Start',
    items: [
      { text: 'Getting started', link: '/getting-started' },
      { text: 'The first hour', link: '/first-hour' },
      { text: 'Your own project', link: '/own-project' },
      { text: 'Your own photos', link: '/own-photos' },
      { text: 'How folders are read', link: '/photo-folders' },
      { text: 'Commands', link: '/commands' },
      { text: 'Deployment and price', link: '/deployment' },
      { text: 'Deploy button', link: '/deploy-button' },
    ],
  },
  {
    text: 'Training',
    items: [
      { text: 'Training and recipes', link: '/training' },
      { text: 'Configuration', link: '/configuration' },
      { text: 'Sweeps', link: '/sweeps' },
      { text: 'Evaluate, predict, export', link: '/evaluation' },
      { text: 'Unknown images', link: '/unknown-images' },
      { text: 'Several labels an image', link: '/multi-label' },
      { text: 'Review', link: '/review' },
      { text: 'Architectures', link: '/architectures' },
      { text: 'Backends', link: '/backends' },
      { text: 'How the trainer reads images', link: '/training-images' },
    ],
  },
  {
    text: 'Serving',
    items: [
      { text: 'HTTP API', link: '/http-api' },
      { text: 'Versions', link: '/versions' },
      { text: 'Doubtful images', link: '/feedback' },
      { text: 'Jobs', link: '/jobs' },
      { text: 'Security', link: '/security' },
      { text: 'Images', link: '/images' },
      { text: 'Arithmetic', link: '/arithmetic' },
    ],
  },
  {
    text: 'Reference',
    items: [
      { text: 'Architecture', link: '/architecture' },
      { text: 'Benchmarks', link: '/benchmarks' },
      { text: 'Real photos', link: '/benchmarks/real-photos' },
      { text: 'Your own photos, measured', link: '/benchmarks/own-photos' },
    ],
  },
];

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
