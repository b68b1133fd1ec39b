// What the published package exports; everything else is the command's own.
export { defineConfig, type GraftConfig } from './config/settings.ts';
