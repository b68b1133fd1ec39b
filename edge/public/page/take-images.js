import { element } from './element.js';

/**
 * Takes files that are chosen, and files or links that are dropped or pasted, and examples.
 *
 * @param {(images: readonly import('./ask.js').ImageSource[]) => void} onImages
 */
export function takeImages(onImages) {
  const drop = element('drop', HTMLLabelElement);
  const file = element('file', HTMLInputElement);

  /** @param {DataTransfer | null} transfer */
  const take = (transfer) => {
    const images = imagesOf(transfer);
    if (images.length > 0) onImages(images);
  };

  file.addEventListener('change', () => {
    const files = [...(file.files ?? [])];
    if (files.length > 0) onImages(files);
    // So that the same file can be chosen again.
    file.value = '';
  });

  document.addEventListener('paste', (event) => {
    const isTyping = event.target instanceof HTMLInputElement && event.target.type !== 'file';
    const hasFile = (event.clipboardData?.files.length ?? 0) > 0;
    if (!isTyping || hasFile) take(event.clipboardData);
  });

  // Anywhere on the page, or the browser would leave it for the image.
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) drop.classList.remove('over');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    take(event.dataTransfer);
  });

  for (const button of document.querySelectorAll('button[data-example]')) {
    button.addEventListener('click', async () => {
      const path = button.getAttribute('data-example') ?? '';
      const blob = await (await fetch(path)).blob();
      onImages([new File([blob], path.split('/').at(-1) ?? '', { type: blob.type })]);
    });
  }
}

/**
 * The files of what was dropped or pasted, or else the links.
 *
 * @param {DataTransfer | null} transfer
 * @returns {import('./ask.js').ImageSource[]}
 */
function imagesOf(transfer) {
  const files = [...(transfer?.files ?? [])];
  if (files.length > 0) return files;
  const text = transfer?.getData('text/uri-list') || transfer?.getData('text/plain') || '';
  return text
    .trim()
    .split(/\s+/)
    .filter((word) => /^https?:\/\//i.test(word));
}
