import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { expect, test } from 'vitest';
import { experimental_readRawConfig } from 'wrangler';

const root = fileURLToPath(new URL('../..', import.meta.url));
const edge = join(root, 'edge');

function readConfig(folder: string): Record<string, unknown> {
  const { rawConfig } = experimental_readRawConfig({ config: join(folder, 'wrangler.jsonc') });
  const { $schema, dev, ...config } = rawConfig as Record<string, unknown>;
  return config;
}

/** A path in `edge/`, as it is from the repository's root. */
function fromRoot(path: string): string {
  return path.startsWith('./') ? `./edge/${path.slice(2)}` : `edge/${path}`;
}

test("the configuration for Cloudflare's button is that of the Worker", () => {
  const { main, assets, alias, ...rest } = readConfig(edge) as {
    main: string;
    assets: { directory: string };
    alias?: Record<string, string>;
  };
  const aliases = Object.entries(alias ?? {}).map(([name, path]) => [name, fromRoot(path)]);
  expect(readConfig(root)).toEqual({
    ...rest,
    main: fromRoot(main),
    assets: { ...assets, directory: fromRoot(assets.directory) },
    ...(alias && { alias: Object.fromEntries(aliases) }),
  });
});

test('wrangler bundles the Worker from the root, as the button has it do', async () => {
  const outdir = await temporaryFolder();
  const wrangler = join(edge, 'node_modules/wrangler/bin/wrangler.js');
  const run = [wrangler, 'deploy', '--dry-run', '--outdir', outdir];
  const { stdout } = await promisify(execFile)(process.execPath, run, { cwd: root });
  expect(stdout).toContain('env.ASSETS');
  expect((await readFile(join(outdir, 'index.js'))).length).toBeGreaterThan(100_000);
});

test('the button runs the script that deploys, which says who may use the Worker', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts['deploy']).toBe('pnpm --filter edge run deploy');
  // The button would have each variable of such a file filled in, and deploy its examples.
  await expect(readFile(join(root, '.dev.vars.example'))).rejects.toThrow('ENOENT');
});
