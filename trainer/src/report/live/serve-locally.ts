import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TrainerError } from '../../errors.ts';

/** A page that only browsers of this machine reach. */
export interface LocalServer {
  /** Where they find it; it ends with a slash. */
  readonly url: string;
  close(): Promise<void>;
}

/** Of every response. */
export const LOCAL_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

/** Whether a request is meant for this machine: a page of another name that resolves to it must not read it. */
export function isForThisMachine({ headers }: IncomingMessage): boolean {
  return /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '');
}

/**
 * @param port 0 for any that is free
 * @throws TrainerError `config_invalid` for a port that is taken
 */
export async function serveLocally(listener: RequestListener, port: number): Promise<LocalServer> {
  const server = createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new TrainerError(
          'config_invalid',
          `Expected a free port for --port, but ${port} cannot be used (${cause.code}): choose another.`,
          cause,
        ),
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
