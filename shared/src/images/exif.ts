const orientationTag = 0x0112;

/**
 * Reads how a picture is to be turned.
 *
 * @param tiff EXIF data from its byte order mark on
 * @returns 1–8; 1, which leaves the picture as it is, where there is no orientation
 * @see CIPA DC-008 (Exif 2.32), 4.5.2 and 4.6.4
 */
export function readOrientation(tiff: DataView): number {
  if (tiff.byteLength < 14) return 1;
  const little = tiff.getUint16(0) === 0x4949;
  const directory = tiff.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return 1;
  const entries = tiff.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    if (entry + 12 > tiff.byteLength) return 1;
    if (tiff.getUint16(entry, little) !== orientationTag) continue;
    const value = tiff.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
