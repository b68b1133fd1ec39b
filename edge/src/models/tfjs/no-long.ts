// What `import 'long'` means in the bundle: see `alias` in wrangler.jsonc. tfjs-core hashes strings
// with its 64-bit integers and makes three of them at import; no operation here hashes strings.

export function fromString(): void {}
