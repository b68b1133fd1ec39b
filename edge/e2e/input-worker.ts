// Turns an image file into the network's input as the Worker does, for a test to compare.
import { preprocessSpec } from 'shared/contract/preprocess-spec';
import { decode } from '../src/input/decode.ts';
import { preprocess } from '../src/input/preprocess.ts';
import { defaultLimits } from '../src/limits.ts';

export default {
  /** @returns the network's input, or the message with which the Worker refuses the file */
  async fetch(request: Request): Promise<Response> {
    const spec = preprocessSpec.parse(JSON.parse(request.headers.get('x-spec') ?? ''));
    const file = new Uint8Array(await request.arrayBuffer());
    try {
      const { image } = await decode(file, defaultLimits, spec.size);
      return new Response(preprocess(image, spec));
    } catch (error) {
      return new Response((error as Error).message, { status: 422 });
    }
  },
};
