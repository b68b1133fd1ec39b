import type { Context } from 'hono';
import { html } from 'hono/html';
import { problemStatus } from 'shared/contract/wire';
import { describeApi, type Operation, type Parameter } from './api-document.ts';
import type { AppEnv } from './app-env.ts';

type Html = ReturnType<typeof html>;

const style = html`<style>
  :root { color-scheme: light dark; }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
  h2 { margin-top: 2.5rem; overflow-wrap: anywhere; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #8886; }
</style>`;

/** Shows the API's description as a page that needs no script. */
export function showApi(c: Context<AppEnv>): Response | Promise<Response> {
  const { info, paths } = describeApi();
  c.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
  return c.html(html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>API of ${info.title}</title>
  ${style}
</head>
<body>
  <h1>API of ${info.title}</h1>
  <p>The same for programs: <a href="/openapi.json">openapi.json</a>. <a href="/">Try it.</a></p>
  ${operationsOf(paths).map(showOperation)}
  <h2>Problems</h2>
  <p>Errors are <code>application/problem+json</code>; <code>code</code> is one of these.</p>
  <table>
    <thead><tr><th scope="col">Code</th><th scope="col">Status</th></tr></thead>
    <tbody>
      ${Object.entries(problemStatus).map(
        ([code, status]) => html`<tr><td><code>${code}</code></td><td>${status}</td></tr>`,
      )}
    </tbody>
  </table>
</body>
</html>`);
}

interface Named {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly operation: Operation;
}

function operationsOf(paths: ReturnType<typeof describeApi>['paths']): Named[] {
  return Object.entries(paths).flatMap(([path, { get, post }]) => [
    ...(get ? [{ method: 'GET', path, operation: get } as const] : []),
    ...(post ? [{ method: 'POST', path, operation: post } as const] : []),
  ]);
}

function showOperation({ method, path, operation }: Named): Html {
  const { summary, description, requestBody, parameters = [] } = operation;
  const bodyTypes = Object.keys(requestBody?.content ?? {}).join(' or ');
  return html`<h2><code>${method} ${path}</code></h2>
  <p>${summary} ${description}</p>
  ${bodyTypes && html`<p>Body: ${bodyTypes}.</p>`}
  ${
    parameters.length > 0 &&
    html`<table>
    <thead><tr><th scope="col">Parameter</th><th scope="col">Meaning</th></tr></thead>
    <tbody>${parameters.map(showParameter)}</tbody>
  </table>`
  }`;
}

function showParameter({ name, required, description }: Parameter): Html {
  return html`<tr><td><code>${name}</code></td><td>${description}${required && ' Required.'}</td></tr>`;
}
