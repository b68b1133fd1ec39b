// The bundle has this module in place of Node's `fs`, `path` and `util`: see `alias` in wrangler.jsonc. tfjs uses
// them where it runs in Node. A Worker would evaluate the runtime's own at each cold start, and use nothing of them.

export {};
