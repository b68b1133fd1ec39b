import { element } from './element.js';

const NAME = 'graft-api-key';

/** For browsers that give a page no storage. */
let key = '';
try {
  key = sessionStorage.getItem(NAME) ?? '';
} catch {}

/** The headers that let a request in, where there is a key. @returns {Record<string, string>} */
export function authorization() {
  return key === '' ? {} : { authorization: `Bearer ${key}` };
}

/** Whether requests carry a key. */
export function hasKey() {
  return key !== '';
}

/**
 * Keeps what is put into the page's field, in this tab's session alone; an empty field forgets it.
 *
 * @param {() => void} onChange
 */
export function startKeyForm(onChange) {
  const form = element('key-form', HTMLFormElement);
  const field = element('key', HTMLInputElement);
  field.value = key;
  if (key !== '') form.hidden = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    key = field.value;
    try {
      if (key === '') sessionStorage.removeItem(NAME);
      else sessionStorage.setItem(NAME, key);
    } catch {}
    onChange();
  });
}

/** Shows the field, and waits there for the visitor. */
export function askForKey() {
  element('key-form', HTMLFormElement).hidden = false;
  const field = element('key', HTMLInputElement);
  field.focus();
  field.select();
}
