import { readFile, stat } from 'node:fs/promises';
import type { RequestListener, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { logIn } from '../../runs/run-log.ts';
import { resultsIn } from '../results.ts';
import { renderReport } from '../write-report.ts';
import {
  isForThisMachine,
  LOCAL_HEADERS,
  type LocalServer,
  serveLocally,
} from './serve-locally.ts';

const CHECK_EVERY_MS = 1000;

/**
 * Serves a run's report to this machine, and tells the browsers that show it when the run's log or its
 * results have changed.
 *
 * @param directory of the run
 * @param port 0 for any that is free
 * @throws TrainerError `run_invalid`, `config_invalid` for a port that is taken
 */
export async function serveReport(directory: string, port: number): Promise<LocalServer> {
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
      response
        .writeHead(200, { ...LOCAL_HEADERS, 'content-type': 'text/html; charset=utf-8' })
        .end(page);
    },
    '/live.js': (response) => {
      response
        .writeHead(200, { ...LOCAL_HEADERS, 'content-type': 'text/javascript; charset=utf-8' })
        .end(script);
    },
    '/events': (response) => {
      response
        .writeHead(200, { ...LOCAL_HEADERS, 'content-type': 'text/event-stream' })
        .flushHeaders();
      watchers.add(response);
      response.on('close', () => watchers.delete(response));
    },
  };

  const listener: RequestListener = (request, response) => {
    const isOurs = isForThisMachine(request);
    const route = request.method === 'GET' ? routes[request.url ?? ''] : undefined;
    if (!isOurs || !route) {
      response.writeHead(isOurs ? 404 : 403, LOCAL_HEADERS).end();
      return;
    }
    Promise.resolve(route(response)).catch((error: Error) => {
      if (!response.headersSent) response.writeHead(500, LOCAL_HEADERS);
      response.end(error.message);
    });
  };

  const server = await serveLocally(listener, port);
  let told = shown.stamp;
  const timer = setInterval(async () => {
    const stamp = await stampOf(directory);
    if (stamp === told) return;
    told = stamp;
    for (const watcher of watchers) watcher.write('data: changed\n\n');
  }, CHECK_EVERY_MS);

  return {
    url: server.url,
    async close() {
      clearInterval(timer);
      await server.close();
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
