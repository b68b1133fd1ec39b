import { defineConfig } from '@graftjs/trainer';

// Every setting of a training; the command line goes before it: npx graft train --help-all.
export default defineConfig({
  id: 'my-classifier',
  data: './photos',
});
