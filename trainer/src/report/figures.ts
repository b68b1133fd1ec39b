import { html, raw } from 'hono/html';

export type Html = ReturnType<typeof html>;

/** A number of the report's head, inside of `<dl class="figures">`. */
export const figure = (name: string, value: string, note: string): Html =>
  html`<div><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`;

/** @param isWide whether a plot that does not fit scrolls rather than shrinks */
export function plot(
  title: string,
  svg: string,
  description: string,
  { isWide = false, caption }: { isWide?: boolean; caption?: Html } = {},
): Html {
  return html`<figure class="plot ${isWide && 'wide'}"><h3>${title}</h3>
    <div role="img" aria-label="${description}" ${isWide && raw('tabindex="0"')}>${raw(svg)}</div>
    ${caption && html`<figcaption>${caption}</figcaption>`}
  </figure>`;
}

export function bar(share: number): Html {
  return html`<span style="--share: ${share.toFixed(4)}"></span>`;
}

export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)}\u00a0%`;
}

export function count(number: number): string {
  return number.toLocaleString('en');
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
