import { readFile, stat } from 'node:fs/promises';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { TrainerError } from '../../errors.ts';
import { logIn } from '../../runs/run-log.ts';
import { resultsIn } from '../results.ts';
import { renderReport } from '../write-report.ts';

export interface ReportServer {
  /** Where a browser on this machine finds the report. */
  readonly url: string;
  close(): Promise<void>;
}

const CHECK_EVERY_MS = 1000;

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

/**
 * Serves a run's report to this machine, and tells the browsers that show it when the run's log or its
 * results have changed.
 *
 * @param directory of the run
 * @param port 0 for any that is free
 * @throws TrainerError `run_invalid`, `config_invalid` for a port that is taken
 */
export async function serveReport(directory: string, port: number): Promise<ReportServer> {
  const script = await readFile(fileURLToPath(new URL('live.js', import.meta.url)), 'utf8');
  const watchers = new Set<ServerResponse>();
  let shown = { stamp: await stampOf(directory), page: renderReport(directory, true) };
  await shown.page;

  const pageNow = async () => {
    const stamp = await stampOf(directory);
    if (stamp !== shown.stamp) shown = { stamp, page: renderReport(directory, true) };
    return shown.page;
  };
  const routes: Readonly<Record<string, (response: ServerResponse) => Promise<void> | void>> = {
    '/': async (response) => {
      const page = await pageNow();
      response.writeHead(200, { ...HEADERS, 'content-type': 'text/html; charset=utf-8' }).end(page);
    },
    '/live.js': (response) => {
      response
        .writeHead(200, { ...HEADERS, 'content-type': 'text/javascript; charset=utf-8' })
        .end(script);
    },
    '/events': (response) => {
      response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' }).flushHeaders();
      watchers.add(response);
      response.on('close', () => watchers.delete(response));
    },
  };

  const listener: RequestListener = (request, response) => {
    // A page of another name that resolves to this machine must not read it.
    const isOurs = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '');
    const route = request.method === 'GET' ? routes[request.url ?? ''] : undefined;
    if (!isOurs || !route) {
      response.writeHead(isOurs ? 404 : 403, HEADERS).end();
      return;
    }
    Promise.resolve(route(response)).catch((error: Error) => {
      if (!response.headersSent) response.writeHead(500, HEADERS);
      response.end(error.message);
    });
  };

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

  let told = shown.stamp;
  const timer = setInterval(async () => {
    const stamp = await stampOf(directory);
    if (stamp === told) return;
    told = stamp;
    for (const watcher of watchers) watcher.write('data: changed\n\n');
  }, CHECK_EVERY_MS);

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      clearInterval(timer);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Of the files that a report is made from; another where one of them has changed. */
async function stampOf(directory: string): Promise<string> {
  const stamps = [logIn(directory), resultsIn(directory)].map(async (path) => {
    const stats = await stat(path).catch(() => undefined);
    return `${stats?.size} ${stats?.mtimeMs}`;
  });
  return (await Promise.all(stamps)).join();
}
