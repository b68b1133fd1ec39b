/** EXIF with an orientation, which may have the wrong type. */
export function exif(orientation: number, order: 'II' | 'MM' = 'MM', type = 3): Buffer {
  const [number16, number32] =
    order === 'MM'
      ? (['writeUInt16BE', 'writeUInt32BE'] as const)
      : (['writeUInt16LE', 'writeUInt32LE'] as const);
  const tiff = Buffer.alloc(26);
  tiff.write(order);
  tiff[number16](42, 2);
  tiff[number32](8, 4);
  tiff[number16](1, 8);
  tiff[number16](0x0112, 10);
  tiff[number16](type, 12);
  tiff[number32](1, 14);
  if (type === 4) tiff[number32](orientation, 18);
  else tiff[number16](orientation, 18);
  return tiff;
}
