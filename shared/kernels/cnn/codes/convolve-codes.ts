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
import { codeTiles } from '../tiles/code-tile';
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

/**
 * Layout is NHWC. The expansion is a product of `rows`, codes of `quantizeRows`, a row of `depth` a pixel, and room for
 * three more; `scales` are theirs. `panels` is its filter, `[depth, channels]`, of `packInt8Panels`, `taps` is the
 * depthwise filter, of `packTaps`, and `channels` a multiple of 16. Both have biases, `[channels]`, and
 * activations from 0 to `expansionHigh` and `high`. `out` is `[batch, outHeight, outWidth, channels]`, a byte each.
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
  const padded = paddedDepth(c.depth);
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
  const planes = outLine + ((<usize>((c.outWidth + 7) & ~7)) << 4);
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
          let line = plane + <usize>(first - top) * lineBytes + QUAD_BYTES * <usize>firstQuad;
          for (let y = first; y < last; y++) {
            const from = rows + <usize>(y * width * padded);
            const steps = scales + ((<usize>(y * width)) << 3);
            expandLine(
              c,
              hasDot,
              from,
              steps,
              panel + i * panelStride,
              heads + i * HEAD_BYTES,
              line,
            );
            line += lineBytes;
          }
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
              outLine + (i << 2),
            );
          }
          for (let x = 0; x < c.outWidth; x++) {
            v128.store(to, v128.load(outLine + ((<usize>x) << 4)));
            to += <usize>channels;
          }
        }
      }
    }
    rows += <usize>(height * width * padded);
    scales += (<usize>(height * width)) << 3;
    out += <usize>(outHeight * c.outWidth * channels);
  }
  return true;
}

/** A line of the expansion, eight channels of it. */
function expandLine(
  c: CodeConvolution,
  hasDot: bool,
  rows: usize,
  scales: usize,
  panel: usize,
  head: usize,
  to: usize,
): void {
  const width = c.width;
  const stride = <usize>paddedDepth(c.depth);
  const depth = <usize>((c.depth + 3) & ~3);
  const quads = (width + 3) >> 2;
  codeTiles(hasDot, rows, stride, depth, panel, scales, head, to, quads);
  to += QUAD_BYTES * <usize>quads;
  // The last four columns may be more than there are.
  const over = -width & 3;
  if (over === 0) return;
  const mask = i32x4.splat(-1 >>> (over << 3));
  v128.store(to - 32, v128.and(v128.load(to - 32), mask));
  v128.store(to - 16, v128.and(v128.load(to - 16), mask));
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
