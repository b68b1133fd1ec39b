import { config } from 'zod/mini';
import en from 'zod/v4/locales/en.js';

// zod's small variety: a schema of the other one has dozens of methods of its own, and a Worker makes
// all of its schemas before its first answer. It does not say why something is wrong unless asked to.
config(en());

export * from 'zod/mini';
