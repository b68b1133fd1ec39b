// What `import … from 'zod'` means in the bundle: see `alias` in wrangler.jsonc. @hono/zod-openapi
// passes zod's whole namespace on, which drags all of its locales in, 80 KiB gzipped; it needs but
// this class of it.
import { ZodType } from 'zod/v4';

export * from 'zod/v4';
export const z = { ZodType };
