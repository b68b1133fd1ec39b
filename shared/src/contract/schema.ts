import { config } from 'zod/mini';
import en from 'zod/v4/locales/en.js';

// zod/mini, since each schema of plain zod has dozens of methods of its own, and the Worker creates all of
// its schemas before its first response. Its error messages need a locale.
config(en());

export * from 'zod/mini';
