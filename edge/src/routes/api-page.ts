import type { Context } from 'hono';
import { html } from 'hono/html';
import { problemStatus } from 'shared/contract/wire';
import { describeApi } from './api-document.ts';
import type { AppEnv } from './app-env.ts';
import type { Operation, Parameter, RequestBody } from './description/operation.ts';

type Html = ReturnType<typeof html>;

/** As strict as `public/_headers`, which holds for files only; this page shows no foreign images. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Shows the API's description as a page. It reads without a script; `public/page/api.js` makes its
 * forms work.
 */
export function showApi(c: Context<AppEnv>): Response | Promise<Response> {
  const { info, paths, components } = describeApi();
  const operations = operationsOf(paths);
  c.header('content-security-policy', POLICY);
  return c.html(html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Graft · API</title>
  <link rel="icon" href="/favicon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/page/base.css">
  <link rel="stylesheet" href="/page/api.css">
  <script type="module" src="/page/api.js"></script>
</head>
<body>
  <header class="masthead">
    <a class="brand" href="/">
      <img src="/favicon.svg" alt="">
      Graft
    </a>
    <nav aria-label="More"><a href="/">Classify</a><a href="/models">Models</a></nav>
  </header>
  <main>
    <div class="intro">
      <h1>API</h1>
      <p>${info.description} For programs: <a href="/openapi.json">openapi.json</a>, OpenAPI 3.1.</p>
      <noscript><p>Sending requests from this page needs JavaScript; reading it does not.</p></noscript>
    </div>
    <nav class="contents" aria-label="Operations">
      ${operations.map(
        ({ method, path, operation }) =>
          html`<a href="#${operation.operationId}"><b>${method}</b> ${path}</a>`,
      )}
      <a href="#problems">Problems</a>
      <a href="#schemas">Schemas</a>
    </nav>
    <div class="operations">
      <form id="key-form" class="key card" hidden>
        <label for="key">API key, where the service asks for one</label>
        <div class="field">
          <input id="key" type="password" autocomplete="off" autocapitalize="off" spellcheck="false" pattern="[!-~]*" title="A key has no spaces." aria-describedby="key-note">
          <button class="button" type="submit">Use key</button>
        </div>
        <p id="key-note" class="facts" role="status">Stays in this tab until you close it, and goes to this service only.</p>
      </form>
      ${operations.map(showOperation)}
      ${showProblems()}
      ${showSchemas(components.schemas)}
    </div>
  </main>
  <footer><p>Images are classified and not stored. Predictions come from a neural network and can be wrong.</p></footer>
</body>
</html>`);
}

function showProblems(): Html {
  return html`<section id="problems" class="card">
    <h2>Problems</h2>
    <p>Errors are <code>application/problem+json</code>; <code>code</code> is one of these.</p>
    <table>
      <thead><tr><th scope="col">Code</th><th scope="col">Status</th></tr></thead>
      <tbody>${Object.entries(problemStatus).map(
        ([code, status]) => html`<tr><td><code>${code}</code></td><td>${status}</td></tr>`,
      )}</tbody>
    </table>
  </section>`;
}

function showSchemas(schemas: ReturnType<typeof describeApi>['components']['schemas']): Html {
  return html`<section id="schemas" class="card">
    <h2>Schemas</h2>
    ${Object.entries(schemas).map(
      ([name, schema]) => html`<details id="schema-${name}">
      <summary><code>${name}</code></summary>
      <pre tabindex="0"><code>${JSON.stringify(schema, null, 2)}</code></pre>
    </details>`,
    )}
  </section>`;
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
  const { operationId: id, summary, description, responses, requestBody, security } = operation;
  const parameters = operation.parameters ?? [];
  return html`<section id="${id}" class="card">
  <h2><b class="method">${method}</b> <code>${path}</code></h2>
  <p>${summary} ${description}</p>
  <table>
    <thead><tr><th scope="col">Answer</th><th scope="col">Meaning</th></tr></thead>
    <tbody>${Object.entries(responses).map(showResponse)}</tbody>
  </table>
  <form class="try" data-method="${method}" data-path="${path}" data-keyed="${security ? 'yes' : 'no'}" aria-label="Try ${method} ${path}">
    ${parameters.map((parameter) => showParameter(id, parameter))}
    ${requestBody && showBody(id, requestBody)}
    <button class="button" type="submit" hidden>Send</button>
  </form>
</section>`;
}

function showResponse([status, { description, content = {} }]: [
  string,
  Operation['responses'][string],
]): Html {
  const types = Object.entries(content).map(([type, { schema }]) => {
    const [, name] = /schemas\/(\w+)$/.exec((schema as { $ref?: string }).$ref ?? '') ?? [];
    return html`<code>${type}</code>${name && html`, <a href="#schema-${name}">${name}</a>`}`;
  });
  return html`<tr><td>${status === 'default' ? 'other' : status}</td><td>${description} ${types}</td></tr>`;
}

function showParameter(id: string, { name, in: where, required, ...parameter }: Parameter): Html {
  const { type, example, minimum, maximum } = parameter.schema as Record<string, unknown>;
  const isNumber = type === 'integer' || type === 'number';
  // The bounds of a safe integer say nothing of what is meant.
  const bounds = maximum !== Number.MAX_SAFE_INTEGER && minimum !== undefined;
  const initial = (parameter.schema as { default?: unknown }).default;
  return html`<div class="parameter">
    <label for="${id}-${name}"><code>${name}</code>${required && html` <span class="facts">required</span>`}</label>
    <input id="${id}-${name}" name="${name}" data-in="${where}" type="${isNumber ? 'number' : 'text'}" ${required ? 'required' : ''}
      placeholder="${initial ?? example ?? ''}" autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="${id}-${name}-note">
    <p id="${id}-${name}-note" class="facts">${parameter.description}${bounds && html` From ${minimum} to ${maximum}.`}</p>
  </div>`;
}

/** Fields for the types that a body may have: one for a file, one for JSON. */
function showBody(id: string, { content, 'x-content': more }: RequestBody): Html {
  const all = { ...content, ...more };
  const types = Object.keys(all);
  const { 'application/json': json } = all;
  const hasFile = types.length > (json ? 1 : 0);
  return html`<div class="parameter">
    <label for="${id}-body">Body, as <code>${types.join(' or ')}</code></label>
    ${hasFile && html`<input id="${id}-body" name="body" type="file" accept="image/*,.avif,.heic,.heif" required>`}
    ${
      json &&
      html`<textarea ${hasFile ? html`aria-label="Body of JSON"` : html`id="${id}-body"`} name="body" rows="3" spellcheck="false" required>${JSON.stringify(json.example)}</textarea>
    <details><summary>Schema of the JSON</summary><pre tabindex="0"><code>${JSON.stringify(json.schema, null, 2)}</code></pre></details>`
    }
    ${
      hasFile &&
      html`<div class="types" role="radiogroup" aria-label="Content type">${types.map(
        (type, i) =>
          html`<label><input type="radio" name="type" value="${type}" ${i === 0 ? 'checked' : ''}> <code>${type}</code></label>`,
      )}</div>`
    }
  </div>`;
}
