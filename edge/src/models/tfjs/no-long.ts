// The bundle has this module in place of `long`: see `alias` in wrangler.jsonc. tfjs-core hashes strings
// with 64-bit integers and creates three of them at import; no operation here hashes strings.

export function fromString(): void {}
