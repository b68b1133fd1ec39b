/**
 * A list of which only the rows in view are in the document, so that ten thousand are as quick as ten.
 *
 * @param {HTMLElement} viewport which scrolls
 * @param {HTMLElement} content inside it, as high as all rows
 * @param {number} height of a row, in pixels
 * @param {(place: number) => HTMLElement} render
 */
export function virtualList(viewport, content, height, render) {
  let length = 0;
  /** @type {Map<number, HTMLElement>} */
  const shown = new Map();

  function draw() {
    const first = Math.max(0, Math.floor(viewport.scrollTop / height) - 4);
    const last = Math.min(
      length,
      Math.ceil((viewport.scrollTop + viewport.clientHeight) / height) + 4,
    );
    for (const [place, row] of shown) {
      if (place >= first && place < last) continue;
      row.remove();
      shown.delete(place);
    }
    for (let place = first; place < last; place++) {
      if (shown.has(place)) continue;
      const row = render(place);
      row.style.top = `${place * height}px`;
      row.style.height = `${height}px`;
      shown.set(place, row);
      content.append(row);
    }
  }
  viewport.addEventListener('scroll', draw, { passive: true });
  addEventListener('resize', draw);

  return {
    /** @param {number} rows */
    reset(rows) {
      length = rows;
      content.style.height = `${rows * height}px`;
      viewport.scrollTop = 0;
      this.redraw();
    },
    redraw() {
      for (const row of shown.values()) row.remove();
      shown.clear();
      draw();
    },
    /** @param {number} place */
    reveal(place) {
      const [top, bottom] = [place * height, (place + 1) * height];
      if (top < viewport.scrollTop) viewport.scrollTop = top;
      else if (bottom > viewport.scrollTop + viewport.clientHeight) {
        viewport.scrollTop = bottom - viewport.clientHeight;
      }
      draw();
    },
  };
}
