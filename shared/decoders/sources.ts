/** Downloads the decoders' sources with the registries' own clients, and checks their hashes. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Source {
  /** Debian's source packages are for a library of which the crates have an old version. */
  readonly registry: 'crates.io' | 'Debian';
  readonly name: string;
  readonly version: string;
  /** Of the crate's file, or of what Debian has as the library's own archive. */
  readonly sha256: string;
}

/** SIMDe, which has other processors' SIMD for WebAssembly: its headers, as PyPI has them. */
export const simde = {
  name: 'cmeel-simde',
  version: '0.8.2',
  sha256: 'e44917e0dbcd62cb841a9232a06087e74583c5e8366831ea9390400fcc8f50bb',
};

/** Its packages stay what they are while it is supported. */
const debianRelease = 'trixie';

/** @returns what is missing to download a source, as a sentence; undefined when it is there */
export async function missingClient({ registry, name }: Source): Promise<string | undefined> {
  if (registry === 'Debian') {
    const found = await debianMirror().catch(() => undefined);
    return found ? undefined : `Building ${name} needs Debian's apt-get, to download its sources.`;
  }
  const cargo = await run('cargo', ['--version']).catch(() => undefined);
  return cargo ? undefined : `Building ${name} needs cargo, to download its sources.`;
}

/**
 * @returns the source's folder
 * @throws Error for a source with another hash
 */
export function downloadSource(source: Source, scratch: string): Promise<string> {
  return source.registry === 'Debian'
    ? downloadArchive(source, scratch)
    : downloadCrate(source, scratch);
}

async function downloadCrate({ name, version, sha256 }: Source, scratch: string): Promise<string> {
  const manifest = join(scratch, 'Cargo.toml');
  const lines = [
    ...['[package]', 'name = "sources"', 'version = "0.0.0"', '[lib]', 'path = "Cargo.toml"'],
    ...['[dependencies]', `${name} = "=${version}"`],
  ];
  await writeFile(manifest, lines.join('\n'));
  await run('cargo', ['vendor', '--manifest-path', manifest, join(scratch, 'vendor')]);
  const root = join(scratch, 'vendor', name);
  const checksum = JSON.parse(await readFile(join(root, '.cargo-checksum.json'), 'utf8'));
  checkHash(name, version, sha256, checksum.package);
  return root;
}

async function downloadArchive(
  { name, version, sha256 }: Source,
  scratch: string,
): Promise<string> {
  const options = await readPackageLists(scratch);
  await run('apt-get', [...options, 'source', '--download-only', name], { cwd: scratch });
  const archive = join(scratch, `${name}_${version}.orig.tar.xz`);
  const bytes = await readFile(archive);
  checkHash(name, version, sha256, createHash('sha256').update(bytes).digest('hex'));
  await run('tar', ['-xf', archive, '-C', scratch]);
  return join(scratch, `${name}-${version}`);
}

/** @throws Error when they differ */
function checkHash(name: string, version: string, expected: string, got: string): void {
  if (got !== expected) {
    throw new Error(`Expected ${name} ${version} with hash ${expected}, got ${got}.`);
  }
}

/**
 * Reads which sources the release has, for apt-get and apt-cache, without touching the machine's own lists.
 *
 * @returns options that make them read these
 */
async function readPackageLists(scratch: string): Promise<string[]> {
  const list = join(scratch, 'debian.list');
  await writeFile(list, `deb-src ${await debianMirror()} ${debianRelease} main\n`);
  for (const folder of ['lists/partial', 'cache/archives/partial']) {
    await mkdir(join(scratch, folder), { recursive: true });
  }
  const settings = {
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(scratch, 'lists'),
    'Dir::Cache': join(scratch, 'cache'),
    // Its user for downloads may not write into the folder.
    'APT::Sandbox::User': 'root',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...options, 'update']);
  return options;
}

/** @returns the mirror of Debian that this machine installs from */
async function debianMirror(): Promise<string> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)']);
  const mirror = stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (!mirror) throw new Error('No source of apt-get is a mirror of Debian.');
  return mirror;
}

/** @returns the newest version of a source in its registry, without what a crate says of the library's own */
export async function newestVersion(
  { registry, name }: Pick<Source, 'registry' | 'name'>,
  scratch: string,
): Promise<string> {
  if (registry === 'Debian') {
    const options = await readPackageLists(scratch);
    const { stdout } = await run('apt-cache', [...options, 'showsrc', name]);
    return oneOf(name, stdout.match(/^Version: (?:\d+:)?([^\s-]+)/m));
  }
  const { stdout } = await run('cargo', ['info', name, '--registry', 'crates-io']);
  return oneOf(name, stdout.match(/^version: ([^\s+]+)/m));
}

/** @returns the newest version of SIMDe's headers that PyPI has */
export async function newestSimde(): Promise<string> {
  const { name } = simde;
  const { stdout } = await run('python3', ['-m', 'pip', 'index', 'versions', name]);
  return oneOf(name, stdout.match(/\(([^)]+)\)/));
}

function oneOf(name: string, found: RegExpMatchArray | null): string {
  if (!found?.[1]) throw new Error(`The registry says of no version of ${name}; look at it there.`);
  return found[1];
}

/** @returns the folder in which `simde/` is */
export async function downloadSimde(scratch: string): Promise<string> {
  const { name, version, sha256 } = simde;
  const requirements = join(scratch, 'requirements.txt');
  await writeFile(requirements, `${name}==${version} --hash=sha256:${sha256}\n`);
  const wheels = join(scratch, 'wheels');
  await run('python3', [
    ...['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '--require-hashes'],
    ...['-r', requirements, '-d', wheels],
  ]);
  const wheel = join(wheels, `${name.replace('-', '_')}-${version}-0-py3-none-any.whl`);
  await run('python3', ['-m', 'zipfile', '-e', wheel, wheels]);
  return join(wheels, 'cmeel.prefix/include');
}
