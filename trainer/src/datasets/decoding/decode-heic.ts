import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { MainModule } from 'libheif-js/libheif-wasm/libheif.js';
import { readHeifItems } from 'shared/images/avif/heif-items';
import { readHeifProfile } from 'shared/images/avif/heif-profile';
import { convertToSrgb } from 'shared/images/colour/convert-to-srgb';
import { decoderPrograms } from 'shared/images/decode-node';
import type { Image } from 'shared/images/image';
import { ImageError } from 'shared/images/image-error';
import { type Rgba, reduceRgba } from './reduce-rgba.ts';

const require = createRequire(import.meta.url);
// Not imported, since its types are of an ES module, which it is not.
const startLibheif: (options: object) => MainModule = require('libheif-js/libheif-wasm/libheif.js');

/** TypeScript has WebAssembly only among the types of browsers. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  Instance: new (program: object, imports: object) => { readonly exports: object };
};

/** What libheif's bindings return where they declare `any`; an error has none of it. */
interface Decoded {
  /** With Emscripten's pointer to it. */
  readonly image?: { readonly $$: { readonly ptr: number } };
  readonly channels?: readonly Pick<Rgba, 'data' | 'stride'>[];
}

let compiled: Promise<object> | undefined;

/**
 * Decodes the primary image of a HEIC, as phones write them: upright, in sRGB, over white, and reduced by the rule of
 * all formats.
 *
 * @param size side of the network's input, in pixels
 * @returns the image, and its sides before the reduction
 * @throws ImageError `too_many_pixels`; Error for a file that libheif refuses, or of which it would leave a part green
 */
export async function decodeHeic(
  file: Uint8Array,
  size: number,
  maxPixels: number,
): Promise<{ readonly image: Image; readonly width: number; readonly height: number }> {
  const heif = await instantiate();
  const context = heif.heif_context_alloc();
  heif.heif_context_read_from_memory(context, file);
  const handle = heif.heif_js_context_get_primary_image_handle(context);
  const width = heif.heif_image_handle_get_width(handle);
  const height = heif.heif_image_handle_get_height(handle);
  if (width * height > maxPixels) {
    throw new ImageError(
      'too_many_pixels',
      `The image has ${width} × ${height} pixels; at most ${maxPixels} pixels are allowed.`,
    );
  }
  const { image, channels: [rgba] = [] }: Decoded = heif.heif_js_decode_image2(
    handle,
    heif.heif_colorspace.heif_colorspace_RGB,
    heif.heif_chroma.heif_chroma_interleaved_RGBA,
  );
  if (!rgba || heif._heif_image_get_decoding_warnings(image?.$$.ptr ?? 0, 0, 0, 0) > 0) {
    throw new Error('libheif cannot decode all of the HEIC.');
  }
  const reduced = await reduceRgba({ width, height, data: rgba.data, stride: rgba.stride }, size);
  const items = readHeifItems(file);
  const profile = items && readHeifProfile(items.propertiesOf(items.primary));
  const hasAlpha = heif.heif_image_handle_has_alpha_channel(handle) !== 0;
  const colours = { components: 3, profile, hasAlpha } as const;
  return { image: await convertToSrgb(reduced, colours, decoderPrograms), width, height };
}

/** Each image has an instance of its own, so that its memory is freed afterwards. */
async function instantiate(): Promise<MainModule> {
  compiled ??= compile();
  const program = await compiled;
  return startLibheif({
    // Of damaged files it says much, for which there is one sentence.
    print: () => {},
    printErr: () => {},
    instantiateWasm(imports: object, done: (instance: object, program: object) => void) {
      const instance = new WebAssembly.Instance(program, imports);
      done(instance, program);
      return instance.exports;
    },
  });
}

async function compile(): Promise<object> {
  const path = require.resolve('libheif-js/libheif-wasm/libheif.wasm');
  return WebAssembly.compile(await readFile(path));
}
