import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPackage } from './load-package.ts';

export interface EmbeddedDatabase {
  /** For {@link openQueue}, on this machine. */
  readonly url: string;
  stop(): Promise<void>;
}

const MAX_CONNECTIONS = 100;

/**
 * Starts PostgreSQL as WebAssembly in this process, in memory. What must outlast it, a sweep's file holds.
 *
 * It asks for no password, so it listens on a socket in a folder that only this user may enter; on Windows,
 * which has no such sockets, on a port of this machine.
 */
export async function startDatabase(): Promise<EmbeddedDatabase> {
  const { PGlite } = await loadPackage(() => import('@electric-sql/pglite'));
  const { PGLiteSocketServer } = await loadPackage(() => import('@electric-sql/pglite-socket'));
  const db = await PGlite.create();
  const folder = await mkdtemp(join(tmpdir(), 'graft-queue-'));
  await chmod(folder, 0o700);
  const isWindows = process.platform === 'win32';
  const at = isWindows ? { port: 0 } : { path: join(folder, '.s.PGSQL.5432') };
  const server = new PGLiteSocketServer({ db, maxConnections: MAX_CONNECTIONS, ...at });
  await server.start();
  return {
    url: isWindows
      ? `postgres://postgres@${server.getServerConn()}/postgres?sslmode=disable`
      : `postgres://postgres@localhost/postgres?host=${encodeURIComponent(folder)}&sslmode=disable`,
    async stop() {
      await server.stop();
      await db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
