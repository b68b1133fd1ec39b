import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A host of images on this machine. */
export interface ImageHost {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * @param answer gives a file for a path, and undefined where the host fails
 * @param port 0 takes a free one
 */
export async function startHost(
  answer: (path: string) => Uint8Array | undefined,
  port = 0,
): Promise<ImageHost> {
  const server: Server = createServer((request, response) => {
    const body = answer(request.url ?? '');
    response.writeHead(body ? 200 : 500).end(body);
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** A port on which nothing listens: that of a host which is gone. */
export async function deadPort(): Promise<number> {
  const host = await startHost(() => undefined);
  await host.close();
  return host.port;
}
