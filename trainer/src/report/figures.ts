import { html } from 'hono/html';

export type Html = ReturnType<typeof html>;

/** A number of the report's head, inside of `<dl class="figures">`. */
export const figure = (name: string, value: string, note: string): Html =>
  html`<div><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`;
