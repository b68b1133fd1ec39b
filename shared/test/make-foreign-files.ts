import { box, uint } from './avif.ts';

/** Files of other formats under the names of images. */
export function makeForeignFiles(): Record<string, Buffer> {
  const ftyp = (...brands: string[]): Buffer =>
    box('ftyp', Buffer.from(brands[0] ?? ''), uint(0, 4), Buffer.from(brands.join('')));
  const text = (content: string): Buffer => Buffer.from(content, 'latin1');
  return {
    'heic.jpg': ftyp('heic', 'mif1'),
    'heic-of-layers.png': ftyp('mif1', 'heim'),
    'video.jpg': ftyp('isom', 'mp42'),
    'tiff.jpg': text('II*\0\x08\0\0\0'),
    'tiff-big-endian.png': text('MM\0*\0\0\0\x08'),
    'bmp.png': text('BM\x46\0\0\0\0\0\0\0\x36\0\0\0'),
    'icon.png': text('\0\0\x01\0\x01\0'),
    'jxl.jpg': text('\xff\x0a\0\0'),
    'jxl-boxed.jpg': text('\0\0\0\x0cJXL \r\n\x87\n'),
    'jp2.jpg': text('\0\0\0\x0cjP  \r\n\x87\n'),
    'psd.jpg': text('8BPS\0\x01'),
    'pdf.jpg': text('%PDF-1.7\n'),
    'html.jpg': text('\n<!DOCTYPE html><p>Not found'),
    'svg.png': text(
      '<?xml version="1.0"?>\n<!-- a > b -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    ),
    'svg-with-doctype.png': text(
      '\xef\xbb\xbf<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"><svg/>',
    ),
    'svg-with-prefix.png': text('<s:svg xmlns:s="http://www.w3.org/2000/svg"/>'),
    'zip.jpg': text('PK\x03\x04'),
    'gzip.jpg': text('\x1f\x8b\x08'),
    'empty.jpg': text(''),
    'words.jpg': text('no image'),
  };
}
