// AssemblyScript: an inverted residual's expansion and depthwise convolution (Sandler et al., MobileNetV2, CVPR 2018,
// section 3.3) in integers. Both have an activation between 0 and a highest value, so what they compute
// needs no calibration to be codes: whole numbers from 0 to 127, of which 127 stands for the highest value.
//
// As in expanded-depthwise.ts, the wide middle is never in memory as a whole. Codes of four neighbouring columns lie in
// the four bytes of a lane, so that the instruction for dot products multiplies a row of a depthwise filter at once;
// zeros among its weights move it to where it belongs.
import { clear } from '../depthwise';
import { int8PanelBytes, paddedDepth } from '../int8-panels';
import { hasDotProduct } from '../int8-product';
import { PANEL } from '../panels';
import { CodeConvolution } from '../tiles/arguments';
import { codeLine, putShifts, quadsUnder, setCodeLines } from '../tiles/code-lines';
import { codeTile6 } from '../tiles/code-tile';
import { quadBytes, shiftTaps } from './taps';

/** Channels that are worked on at a time, in planes of a panel each. */
const GROUP: i32 = 16;
const PLANES: usize = 2;
/** Four channels each. */
const QUADS: usize = 4;
/** Eight scales, sums of columns and biases, which give codes. */
const HEAD_BYTES: usize = 96;
/** Scales and biases of four channels, which give codes. */
const TAP_HEAD_BYTES: usize = 32;
/** Four columns of eight channels. */
const QUAD_BYTES: usize = 32;
const SHIFT_BYTES: usize = 64;
/** Pixels of a tile. */
const TILE: i32 = 6;
/** Pixels that are computed together: of few lines or many, these stay in the L1 cache. */
const BLOCK_PIXELS: i32 = 448;

/**
 * Layout is NHWC. The expansion is a product of `rows`: codes of `quantizeRows`, a row of `depth` a pixel, or of
 * `quantizePatches`, `parts` rows a pixel, and room for five pixels more; `scales` are theirs. `panels` is its filter,
 * `[depth, channels]`, of `packInt8Panels`, `taps` is the depthwise filter, of `packTaps`, and `channels` a multiple of 16.
 * Both have biases, `[channels]`, and activations from 0 to `expansionHigh` and `high`. `out` is
 * `[batch, outHeight, outWidth, channels]`, a byte each.
 *
 * @returns whether there are lines for this filter, and the `workBytes` to work in were enough; else nothing was computed
 */
export function convolveCodes(c: CodeConvolution): bool {
  const height = c.height;
  const width = c.width;
  const channels = c.channels;
  const outHeight = c.outHeight;
  const strideY = c.strideY;
  const filterHeight = c.filterHeight;
  const hasDot = hasDotProduct();
  const rowBytes = paddedDepth(c.depth) * c.parts;
  const quads = quadsUnder(c.outWidth, c.strideX);
  const firstQuad = <i32>(c.padLeft > 0);
  const lineBytes = QUAD_BYTES * <usize>max(quads, firstQuad + ((width + 3) >> 2));
  const shifts = c.work;
  const shiftCount = putShifts(c.filterWidth, c.strideX, c.padLeft, shifts);
  if (shiftCount === 0) return false;
  const heads = shifts + SHIFT_BYTES;
  const tapHeads = heads + HEAD_BYTES * PLANES;
  const weights = tapHeads + TAP_HEAD_BYTES * QUADS;
  const weightBytes = (<usize>(filterHeight * shiftCount)) << 4;
  // A line of the output, in whole tiles.
  const outLine = weights + weightBytes * QUADS;
  const quadLine = (<usize>((c.outWidth + 7) & ~7)) << 2;
  const codes = outLine + quadLine * QUADS;
  const planes = codes + ((<usize>(blockLines(c) * width + TILE + 2)) << 3);
  const lines = (c.workBytes - <i32>(planes - c.work)) / <i32>(lineBytes * PLANES);
  if (lines < filterHeight) return false;
  const bandRows = min((lines - filterHeight) / strideY + 1, outHeight);
  const planeBytes = <usize>((bandRows - 1) * strideY + filterHeight) * lineBytes;
  const moved = <usize>(bandRows * strideY) * lineBytes;
  const panelStride = <usize>int8PanelBytes(c.depth, PANEL);
  setCodeLines(lineBytes, weightBytes, c.outWidth);
  clear(planes, planeBytes * PLANES);
  let rows = c.rows;
  let scales = c.scales;
  let out = c.out;
  for (let b = 0; b < c.batch; b++) {
    for (let channel = 0; channel < channels; channel += GROUP) {
      const panel = c.panels + <usize>(channel / PANEL) * panelStride;
      for (let i: usize = 0; i < PLANES; i++)
        makeHead(c, panel + i * panelStride, channel + <i32>i * PANEL, heads + i * HEAD_BYTES);
      for (let i: usize = 0; i < QUADS; i++) {
        const at = channel + <i32>(i << 2);
        const taps = c.taps + <usize>(at >> 2) * quadBytes(filterHeight, c.filterWidth);
        makeTapHead(c, taps, at, tapHeads + i * TAP_HEAD_BYTES);
        const to = weights + i * weightBytes;
        shiftTaps(taps + 16, filterHeight, c.filterWidth, shifts, shiftCount, to);
      }
      // The first line of the input that is not in the planes.
      let next = 0;
      for (let outY = 0; outY < outHeight; outY += bandRows) {
        const outRows = min(bandRows, outHeight - outY);
        const top = outY * strideY - c.padTop;
        const bottom = top + (outRows - 1) * strideY + filterHeight;
        const above = min(max(-top, 0), bottom - top);
        const first = max(next, max(top, 0));
        const last = max(min(bottom, height), first);
        // What the band before has computed of this one is at its end.
        const known = <usize>max(next - max(top, 0), 0) * lineBytes;
        for (let i: usize = 0; i < PLANES; i++) {
          const plane = planes + planeBytes * i;
          clear(plane, <usize>above * lineBytes);
          const to = plane + <usize>above * lineBytes;
          if (known > 0) memory.copy(to, to + moved, known);
          if (bottom > height) {
            const below = max(height - top, 0);
            clear(plane + <usize>below * lineBytes, <usize>(bottom - top - below) * lineBytes);
          }
          expandLines(
            c,
            hasDot,
            rows + <usize>(first * width * rowBytes),
            scales + ((<usize>(first * width)) << 3),
            last - first,
            panel + i * panelStride,
            heads + i * HEAD_BYTES,
            codes,
            plane + <usize>(first - top) * lineBytes + QUAD_BYTES * <usize>firstQuad,
            lineBytes,
          );
        }
        next = last;
        let to = out + <usize>(outY * c.outWidth * channels + channel);
        for (let row = 0; row < outRows; row++) {
          const line = planes + <usize>(row * strideY) * lineBytes;
          for (let i: usize = 0; i < QUADS; i++) {
            codeLine(
              c.filterWidth,
              c.strideX,
              hasDot,
              line + (i >> 1) * planeBytes + ((i & 1) << 4),
              weights + i * weightBytes,
              tapHeads + i * TAP_HEAD_BYTES,
              outLine + quadLine * i,
            );
          }
          putPixels(outLine, quadLine, c.outWidth, to, <usize>channels);
          to += <usize>(c.outWidth * channels);
        }
      }
    }
    rows += <usize>(height * width * rowBytes);
    scales += (<usize>(height * width)) << 3;
    out += <usize>(outHeight * c.outWidth * channels);
  }
  return true;
}

/** Lines of the expansion, eight channels of it, `toStride` bytes apart; in `codes` are as many lines as are computed together. */
function expandLines(
  c: CodeConvolution,
  hasDot: bool,
  rows: usize,
  scales: usize,
  count: i32,
  panel: usize,
  head: usize,
  codes: usize,
  to: usize,
  toStride: usize,
): void {
  const width = c.width;
  const padded = paddedDepth(c.depth);
  const stride = <usize>(padded * c.parts);
  const depth = <usize>(c.parts > 1 ? padded : (c.depth + 3) & ~3);
  const most = blockLines(c);
  for (; count > 0; count -= most) {
    const lines = min(count, most);
    const pixels = lines * width;
    let from = rows;
    let steps = scales;
    let tile = codes;
    for (let i = 0; i < pixels; i += TILE) {
      codeTile6(hasDot, from, stride, depth, c.parts, panel, steps, head, tile);
      from += stride * TILE;
      steps += 8 * TILE;
      tile += 8 * TILE;
    }
    rows += stride * <usize>pixels;
    scales += (<usize>pixels) << 3;
    for (let i = 0; i < lines; i++) {
      putLine(codes + ((<usize>(i * width)) << 3), width, to);
      to += toStride;
    }
  }
}

/** Lines that are computed together, so that tiles go from one to the next. */
function blockLines(c: CodeConvolution): i32 {
  return min(c.height, max(BLOCK_PIXELS / c.width, 1));
}

/** Codes of eight channels of each pixel, to four pixels of each channel. */
function putLine(from: usize, width: i32, to: usize): void {
  for (let x = 0; x < width; x += 4) {
    const left = v128.load(from);
    const right = v128.load(from, 16);
    // biome-ignore format: pairs
    const even = v128.shuffle<i8>(left, right, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    // biome-ignore format: pairs
    const odd = v128.shuffle<i8>(left, right, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    // biome-ignore format: pairs
    v128.store(to, v128.shuffle<i8>(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
    // biome-ignore format: pairs
    v128.store(to, v128.shuffle<i8>(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16);
    from += QUAD_BYTES;
    to += QUAD_BYTES;
  }
  // The last four columns may be more than there are.
  const over = -width & 3;
  if (over === 0) return;
  const mask = i32x4.splat(-1 >>> (over << 3));
  v128.store(to - 32, v128.and(v128.load(to - 32), mask));
  v128.store(to - 16, v128.and(v128.load(to - 16), mask));
}

/** Four channels of each pixel, of which there are four lines, to sixteen channels of each. */
function putPixels(from: usize, stride: usize, width: i32, to: usize, toStride: usize): void {
  for (let x = 0; x < width; x += 4) {
    const quad0 = v128.load(from);
    const quad1 = v128.load(from + stride);
    const quad2 = v128.load(from + stride * 2);
    const quad3 = v128.load(from + stride * 3);
    const left01 = v128.shuffle<i32>(quad0, quad1, 0, 4, 1, 5);
    const left23 = v128.shuffle<i32>(quad2, quad3, 0, 4, 1, 5);
    const right01 = v128.shuffle<i32>(quad0, quad1, 2, 6, 3, 7);
    const right23 = v128.shuffle<i32>(quad2, quad3, 2, 6, 3, 7);
    const left = width - x;
    v128.store(to, v128.shuffle<i64>(left01, left23, 0, 2));
    if (left > 1) v128.store(to + toStride, v128.shuffle<i64>(left01, left23, 1, 3));
    if (left > 2) v128.store(to + toStride * 2, v128.shuffle<i64>(right01, right23, 0, 2));
    if (left > 3) v128.store(to + toStride * 3, v128.shuffle<i64>(right01, right23, 1, 3));
    from += 16;
    to += toStride << 2;
  }
}

/** What makes codes of the sums of a panel; a half is for rounding. */
function makeHead(c: CodeConvolution, panel: usize, channel: i32, to: usize): void {
  const codes = f32x4.splat(127 / c.expansionHigh);
  const bias = c.expansionBias + ((<usize>channel) << 2);
  for (let i: usize = 0; i < 64; i += 16)
    v128.store(to + i, f32x4.mul(v128.load(panel + i), codes));
  for (let i: usize = 0; i < 32; i += 16) {
    const shift = f32x4.add(f32x4.mul(v128.load(bias + i), codes), f32x4.splat(0.5));
    v128.store(to + 64 + i, shift);
  }
}

/** The same for four channels of the depthwise convolution. */
function makeTapHead(c: CodeConvolution, scales: usize, channel: i32, to: usize): void {
  const codes = f32x4.splat(127 / c.high);
  const bias = v128.load(c.bias + ((<usize>channel) << 2));
  v128.store(to, f32x4.mul(v128.load(scales), f32x4.splat(c.expansionHigh / c.high)));
  v128.store(to, f32x4.add(f32x4.mul(bias, codes), f32x4.splat(0.5)), 16);
}
