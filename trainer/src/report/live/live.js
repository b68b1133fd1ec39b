// Shows the run's report anew each time that the training has got further. Served beside it by
// serve-report.ts, in whose pages only it runs.

const state = /** @type {HTMLElement} */ (document.getElementById('live'));
const events = new EventSource('/events');
let isFetching = false;
let isStale = false;

// What changed while it was not connected, it has not been told.
for (const event of ['open', 'message']) {
  events.addEventListener(event, () => {
    isStale = true;
    refresh();
  });
}
events.addEventListener('error', () => say('Not connected; this is the last that was known'));

async function refresh() {
  if (isFetching) return;
  isFetching = true;
  try {
    while (isStale) {
      isStale = false;
      const response = await fetch('/');
      if (!response.ok) throw new Error(await response.text());
      show(new DOMParser().parseFromString(await response.text(), 'text/html'));
      say(`Live, updated at ${new Date().toLocaleTimeString()}`);
    }
  } catch {
    say('The report could not be updated; the next change tries again');
  } finally {
    isFetching = false;
  }
}

/**
 * Puts the new report in the place of the old, with the same parts unfolded.
 *
 * @param {Document} next
 */
function show(next) {
  const [before, after] = [document, next].map((one) => one.querySelector('main'));
  if (!before || !after) return;
  const unfolded = [...before.querySelectorAll('details[open] > summary')].map(
    (summary) => summary.textContent,
  );
  for (const summary of after.querySelectorAll('details > summary')) {
    if (unfolded.includes(summary.textContent)) summary.parentElement?.setAttribute('open', '');
  }
  before.replaceWith(document.adoptNode(after));
  document.title = next.title;
}

/** @param {string} text */
function say(text) {
  state.textContent = `${text}.`;
}
