/** A view of a part of a file. What lies beyond its end is left out. */
export function viewOf(bytes: Uint8Array, start = 0, length = bytes.length): DataView {
  const { byteOffset, byteLength } = bytes.subarray(start, start + length);
  return new DataView(bytes.buffer, byteOffset, byteLength);
}

/** Four bytes as the name they spell, as PNG, RIFF and ISO files have it; '' past the end. */
export function nameAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
