/** A view of a part of a file, cut off at the end of the file. */
export function viewOf(bytes: Uint8Array, start = 0, length = bytes.length): DataView {
  const { byteOffset, byteLength } = bytes.subarray(start, start + length);
  return new DataView(bytes.buffer, byteOffset, byteLength);
}

/** The name that four bytes spell, as in PNG, RIFF and ISO files; '' past the end. */
export function nameAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
