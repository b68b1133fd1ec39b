import { Float16Array } from '@petamoriken/float16';

// Node 22 lacks it, and so do the threads that it starts.
if (!('Float16Array' in globalThis)) Object.assign(globalThis, { Float16Array });
