import { nameOfSource } from './ask.js';
import { element } from './element.js';

const preview = element('preview', HTMLImageElement);
const crop = element('crop', SVGSVGElement);
const note = element('crop-note', HTMLParagraphElement);
const chosen = element('chosen', HTMLElement);
const invitation = chosen.textContent ?? '';

/** @param {import('./ask.js').ImageSource} image */
export function showPreview(image) {
  hidePreview();
  const isUrl = typeof image === 'string';
  preview.src = isUrl ? image : URL.createObjectURL(image);
  preview.alt = isUrl ? 'The image at that address' : image.name;
  chosen.textContent = nameOfSource(image);
  setHasPreview(true);
}

/** @param {string} [subject] what was chosen, if anything was */
export function hidePreview(subject = invitation) {
  if (preview.src.startsWith('blob:')) URL.revokeObjectURL(preview.src);
  preview.removeAttribute('src');
  chosen.textContent = subject;
  setHasPreview(false);
}

/** @param {boolean} hasPreview */
function setHasPreview(hasPreview) {
  preview.hidden = !hasPreview;
  element('invitation', HTMLSpanElement).hidden = hasPreview;
  element('change', HTMLSpanElement).hidden = !hasPreview;
  hideCrop();
}

// What only the service can see, such as a page's address, it will tell.
preview.addEventListener('error', () => {
  if (preview.hasAttribute('src')) setHasPreview(false);
});

function hideCrop() {
  drawMap(undefined);
  crop.toggleAttribute('hidden', true);
  note.hidden = true;
}

/**
 * Marks what the network saw of the image, as the model's preprocessing crops it.
 *
 * @param {import('./ask.js').ModelCard['preprocess']} preprocess
 */
export async function showCrop({ fit, size }) {
  const { src } = preview;
  // An image that this browser cannot show has no place for a frame.
  if (preview.hidden || fit !== 'cover' || !(await isDecoded()) || preview.src !== src) return;
  const { naturalWidth: width, naturalHeight: height } = preview;
  const side = Math.min(width, height);
  const x = Math.floor((width - side) / 2);
  const y = Math.floor((height - side) / 2);
  const inner = `M${x} ${y}h${side}v${side}h${-side}z`;
  // The same box as the image's own `object-fit: contain`.
  crop.setAttribute('viewBox', `0 0 ${width} ${height}`);
  crop.querySelector('.shade')?.setAttribute('d', `M0 0h${width}v${height}h${-width}z${inner}`);
  const frame = { x, y, width: side, height: side };
  for (const [name, value] of Object.entries(frame)) {
    crop.querySelector('.frame')?.setAttribute(name, `${value}`);
  }
  crop.toggleAttribute('hidden', false);
  const part = width === height ? 'the whole image' : 'the square in the frame';
  note.textContent = `The network sees ${part}, reduced to ${size} × ${size} pixels.`;
  if (side < size) note.textContent = note.textContent.replace('reduced', 'enlarged');
  note.hidden = false;
}

/**
 * Draws how much each part of what the network saw adds to a label over the frame, or draws nothing.
 *
 * @param {import('./ask.js').ClassifyAnswer['explanation']} map
 */
export function drawMap(map) {
  const group = element('map', SVGGElement);
  group.replaceChildren();
  if (!map) return;
  const [x = 0, y = 0, side = 0] = ['x', 'y', 'width'].map((name) =>
    Number(crop.querySelector('.frame')?.getAttribute(name)),
  );
  const { rows, columns, values } = map;
  const least = Math.min(...values);
  const range = Math.max(...values) - least || 1;
  const cells = values.map((value, i) => {
    const cell = document.createElementNS(crop.namespaceURI, 'rect');
    const box = {
      x: x + ((i % columns) * side) / columns,
      y: y + (Math.floor(i / columns) * side) / rows,
      width: side / columns,
      height: side / rows,
      'fill-opacity': 0.7 * ((value - least) / range) ** 1.5,
    };
    for (const [name, number] of Object.entries(box)) cell.setAttribute(name, `${number}`);
    return cell;
  });
  group.append(...cells);
}

function isDecoded() {
  return preview.decode().then(
    () => true,
    () => false,
  );
}
