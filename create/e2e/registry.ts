import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** The packages that are published, by their folders. */
const PACKAGES = ['shared', 'trainer', 'edge', 'create'];

export interface Registry {
  readonly url: string;
  /** The packed packages, by name. */
  readonly tarballs: ReadonlyMap<string, string>;
  close(): void;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
}

interface Packed {
  readonly manifest: Manifest;
  readonly path: string;
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly integrity: string;
}

/**
 * Packs all packages as they would be published, and serves them as an npm registry on loopback, which sends
 * whoever asks for any other package on to the registry that npm is set up with.
 *
 * @param folder for the tarballs
 */
export async function startRegistry(folder: string): Promise<Registry> {
  const packed: Packed[] = [];
  for (const name of PACKAGES) packed.push(await pack(name, join(folder, name)));
  const { stdout } = await run('npm', ['config', 'get', 'registry'], { cwd: root });
  const upstream = stdout.trim().replace(/\/?$/, '/');
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1);
    const tarball = packed.find(({ file }) => path === `tarballs/${file}`);
    const asked = packed.find(({ manifest }) => path === manifest.name);
    if (tarball) response.end(tarball.bytes);
    else if (asked) {
      response.end(JSON.stringify(documentOf(asked, `http://${request.headers.host}`)));
    } else {
      const location = new URL((request.url ?? '').slice(1), upstream).href;
      response.writeHead(307, { location }).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    tarballs: new Map(packed.map(({ manifest, path }) => [manifest.name, path])),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function pack(name: string, folder: string): Promise<Packed> {
  await mkdir(folder, { recursive: true });
  const args = ['-y', 'pnpm@10', '--dir', join(root, name), 'pack', '--pack-destination', folder];
  await run('npx', args, { cwd: root });
  const [file = ''] = await readdir(folder);
  const path = join(folder, file);
  const { stdout } = await run('tar', ['-xzOf', path, 'package/package.json']);
  const bytes = await readFile(path);
  return {
    manifest: JSON.parse(stdout) as Manifest,
    path,
    file,
    bytes,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
  };
}

/** What a registry says of a package with a single version. */
function documentOf({ manifest, file, integrity }: Packed, origin: string): object {
  const dist = { tarball: `${origin}/tarballs/${file}`, integrity };
  return {
    name: manifest.name,
    'dist-tags': { latest: manifest.version },
    versions: { [manifest.version]: { ...manifest, dist } },
  };
}
