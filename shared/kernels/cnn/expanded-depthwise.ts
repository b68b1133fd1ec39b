// AssemblyScript: a pointwise convolution and the depthwise one that alone reads it, sixteen channels at
// a time (an inverted residual's first two: Sandler et al., MobileNetV2, CVPR 2018, section 3.3). Their
// wide middle is never in memory as a whole: the products are put where the depthwise
// convolution wants its input, with its padding, and are still in the cache when it reads them.
import {
  bandRowsIn,
  clear,
  columnsOf,
  computeRows,
  GROUP,
  gatherWeights,
  linesUnder,
  PLANES,
  prepareLines,
  weightBytesOf,
} from './depthwise';
import { int8PanelBytes } from './int8-panels';
import { PANEL, panelBias, panelBytes } from './panels';
import { ExpandedConvolution } from './tiles/arguments';
import { widenPanel } from './tiles/int8-rows';
import { tile1, tile5, tile6 } from './tiles/matrix-tiles';

/** Six rows of a panel that do not lie in one line. */
const EDGE_BYTES: usize = 192;

/**
 * Layout is NHWC, float32; the pointwise filter moves by one pixel, the depthwise one is 3 or 5 wide
 * and moves 1 or 2 pixels to the right. `inChannels` are those of `x`; `channels` are those of what is in between,
 * and of the output, a multiple of eight. `panels` is the pointwise filter, `[inChannels, channels]`, as `packPanels`
 * leaves it, or, where `isInt8`, `packInt8Panels`. `filter` is the depthwise one, `[filterHeight, filterWidth,
 * channels]`. `bias` is `[channels]`, as `expansionBias`, or 0 for none.
 *
 * @returns whether the `workBytes` to work in were enough; else nothing was computed
 */
export function convolveExpanded(c: ExpandedConvolution): bool {
  const height = c.height;
  const width = c.width;
  const inChannels = c.inChannels;
  const channels = c.channels;
  const isInt8 = c.isInt8;
  const outHeight = c.outHeight;
  const pixelBytes = (<usize>channels) << 2;
  const lineBytes = (<usize>max(columnsOf(c), c.padLeft + width)) << 5;
  const edge = c.work;
  const weights = edge + EDGE_BYTES;
  const widened = weights + weightBytesOf(c);
  const widenedBytes = (<usize>((inChannels + 3) & ~3)) << 5;
  const planes = widened + (isInt8 ? widenedBytes * PLANES : 0);
  const bandRows = bandRowsIn(c, planes, lineBytes);
  if (bandRows === 0) return false;
  const planeBytes = linesUnder(c, bandRows) * lineBytes;
  const panelStride = <usize>(
    (isInt8 ? int8PanelBytes(inChannels, PANEL) : panelBytes(inChannels, PANEL))
  );
  const lowest = f32x4.splat(c.expansionLow);
  const highest = f32x4.splat(c.expansionHigh);
  prepareLines(c, lineBytes);
  clear(planes, planeBytes * PLANES);
  let x = c.x;
  let out = c.out;
  for (let b = 0; b < c.batch; b++) {
    for (let channel = 0; channel < channels; channel += GROUP) {
      const skip = (<usize>channel) << 2;
      const groupChannels = min(GROUP, channels - channel);
      gatherWeights(c, channel, groupChannels, weights);
      let panel = c.panels + <usize>(channel / PANEL) * panelStride;
      const panelCount = groupChannels / PANEL;
      if (isInt8) {
        for (let i: usize = 0; i < <usize>panelCount; i++) {
          widenPanel(
            panel + i * panelStride,
            0,
            inChannels,
            widened + i * widenedBytes,
            PANEL << 2,
          );
        }
        panel = widened;
      }
      // The first line of the input that is not in the planes.
      let next = 0;
      for (let outY = 0; outY < outHeight; outY += bandRows) {
        const rows = min(bandRows, outHeight - outY);
        const top = outY * c.strideY - c.padTop;
        const bottom = top + <i32>linesUnder(c, rows);
        const above = min(max(-top, 0), bottom - top);
        const first = max(next, max(top, 0));
        const last = max(min(bottom, height), first);
        for (let i = 0; i < panelCount; i++) {
          const plane = planes + planeBytes * <usize>i;
          clear(plane, <usize>above * lineBytes);
          // What the band before has computed of this one is at its end.
          const known = max(next - max(top, 0), 0);
          const to = plane + <usize>above * lineBytes;
          const moved = <usize>(bandRows * c.strideY) * lineBytes;
          if (known > 0) memory.copy(to, to + moved, <usize>known * lineBytes);
          if (bottom > height) {
            const below = max(height - top, 0);
            clear(plane + <usize>below * lineBytes, <usize>(bottom - top - below) * lineBytes);
          }
          const from = panelBias(c.expansionBias, channel + i * PANEL, channels, edge);
          multiplyLines(
            x + <usize>(first * width) * ((<usize>inChannels) << 2),
            (last - first) * width,
            (<usize>inChannels) << 2,
            panel + <usize>i * (isInt8 ? widenedBytes : panelStride),
            v128.load(from),
            v128.load(from, 16),
            lowest,
            highest,
            plane + <usize>(first - top) * lineBytes + ((<usize>c.padLeft) << 5),
            width,
            lineBytes,
            edge,
          );
        }
        next = last;
        const to = out + skip + <usize>(outY * c.outWidth) * pixelBytes;
        computeRows(c, planes, planeBytes, rows, groupChannels, weights, to);
      }
    }
    x += (<usize>(height * width * inChannels)) << 2;
    out += <usize>(outHeight * c.outWidth) * pixelBytes;
  }
  return true;
}

/** A panel of the product, its rows the pixels of lines that are `lineBytes` apart. */
function multiplyLines(
  a: usize,
  rows: i32,
  aStride: usize,
  panel: usize,
  bias0: v128,
  bias1: v128,
  low: v128,
  high: v128,
  line: usize,
  width: i32,
  lineBytes: usize,
  edge: usize,
): void {
  let fives = (6 - (rows % 6)) % 6;
  if (fives * 5 > rows) fives = 0;
  let column = 0;
  while (rows > 0) {
    const count = fives > 0 ? 5 : min(6, rows);
    const isInLine = column + count <= width;
    const to = isInLine ? line + ((<usize>column) << 5) : edge;
    if (count === 6) tile6(a, aStride, panel, bias0, bias1, low, high, to, 32);
    else if (count === 5) tile5(a, aStride, panel, bias0, bias1, low, high, to, 32);
    else {
      for (let i: usize = 0; i < <usize>count; i++)
        tile1(a + aStride * i, aStride, panel, bias0, bias1, low, high, to + i * 32);
    }
    a += aStride * <usize>count;
    rows -= count;
    fives--;
    if (isInLine) {
      column += count;
      if (column === width) {
        column = 0;
        line += lineBytes;
      }
      continue;
    }
    for (let at = edge, end = edge + ((<usize>count) << 5); at < end; at += 32) {
      const pixel = line + ((<usize>column) << 5);
      v128.store(pixel, v128.load(at));
      v128.store(pixel, v128.load(at, 16), 16);
      if (++column === width) {
        column = 0;
        line += lineBytes;
      }
    }
  }
}
