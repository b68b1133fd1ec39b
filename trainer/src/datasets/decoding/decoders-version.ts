import { createRequire } from 'node:module';
import { decodersVersion } from 'shared/images/decoders-version';

const require = createRequire(import.meta.url);

/** Names all that turns an image file into the network's input, for what is kept of images. */
export async function fileDecodersVersion(): Promise<string> {
  const { default: sharp } = await import('sharp');
  const { version } = require('libheif-js/package.json');
  return [await decodersVersion(), version, sharp.versions.sharp].join('-');
}
