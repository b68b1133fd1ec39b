/**
 * Has a button copy a text, and say for two seconds whether it did.
 *
 * @param {HTMLButtonElement} button
 * @param {() => string} text
 */
export function copyOnClick(button, text) {
  const label = button.textContent;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Not copied: the browser refused';
    }
    setTimeout(() => {
      button.textContent = label;
    }, 2000);
  });
}
