const orientationTag = 0x0112;

/** The types of a field. */
const [short, long] = [3, 4];

/**
 * Reads the orientation of an image.
 *
 * @param tiff EXIF data from its byte order mark on
 * @returns 1–8; 1, which does not turn the image, where there is no orientation
 * @see CIPA DC-008 (Exif 2.32), 4.5.2 and 4.6.4
 */
export function readOrientation(tiff: DataView): number {
  if (tiff.byteLength < 14) return 1;
  const order = tiff.getUint16(0);
  const little = order === 0x4949;
  if ((!little && order !== 0x4d4d) || tiff.getUint16(2, little) !== 42) return 1;
  const directory = tiff.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return 1;
  const entries = tiff.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    if (entry + 12 > tiff.byteLength) return 1;
    if (tiff.getUint16(entry, little) !== orientationTag) continue;
    const type = tiff.getUint16(entry + 2, little);
    if (type !== short && type !== long) return 1;
    // Some programs write a LONG, against the specification; Pillow reads it too.
    const value =
      type === short ? tiff.getUint16(entry + 8, little) : tiff.getUint32(entry + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
