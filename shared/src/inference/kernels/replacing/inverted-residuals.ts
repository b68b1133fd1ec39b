import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import { mallocLines } from '../arena.ts';
import { type Clamp, codeRowBytes } from '../cnn-kernels.ts';
import type { InvertedResidualAttributes } from '../composed-kernels.ts';
import type { KernelArguments } from '../kernel-arguments.ts';
import {
  clampOf,
  convolutionOf,
  isBias,
  isPointwise,
  type KernelCall,
  shapeArguments,
} from '../kernel-call.ts';
import { codeFilters } from './code-filters.ts';
import { type Computing, type Kernel, SCRATCH_BYTES } from './computing.ts';

type Info = backend_util.Conv2DInfo;

/** The wide middle is in groups of so many channels. */
const GROUP = 16;
/** Rows that the kernels read beyond the last, for whole tiles. */
const BEYOND = 5;
/** A number of an image, which has more than 7 bits, is the sum of so many that have 7; more gain nothing (docs/arithmetic.md). */
const IMAGE_PARTS = 3;

/**
 * An expansion, its depthwise convolution and the projection of it in 8 bits from one to the next, where both
 * activations are between 0 and a highest value.
 */
export function convolveInverted(on: Computing): Kernel {
  return (call) => {
    const block = blockOf(call);
    if (!block) return;
    const { x, filter, projectionFilter, wide, between, narrow, wideClamp, clamp } = block;
    const depth = wide.filterHeight * wide.filterWidth * wide.inChannels;
    const channels = wide.outChannels;
    const expansion = on.matrices.pack(filter, depth, channels);
    const projection = on.matrices.pack(projectionFilter, narrow.inChannels, narrow.outChannels);
    if (expansion.product !== 'multiplyInt8' || projection.product !== 'multiplyInt8') return;
    const rows = wide.batchSize * wide.outHeight * wide.outWidth;
    const pixels = narrow.batchSize * narrow.outHeight * narrow.outWidth;
    const parts = isPointwise(wide) ? 1 : IMAGE_PARTS;
    const scalesAt = (rows + BEYOND) * codeRowBytes({ depth, parts });
    const codesAt = scalesAt + (rows + BEYOND) * 8;
    const bytes = codesAt + (pixels + BEYOND) * channels;
    const { at, block: memory } = mallocLines(on.heap._malloc, bytes);
    const [scales, codes] = [at + scalesAt, at + codesAt];
    const isDone =
      quantize(on, x, wide, { parts, rows: at, scales }) &&
      on.kernels.convolveCodes({
        ...shapeArguments(between),
        rows: at,
        scales,
        depth,
        parts,
        panels: expansion.at,
        expansionBias: on.addressOf(call.inputs['bias']),
        expansionHigh: wideClamp.high,
        channels,
        taps: on.matrices.packTaps(block.depthwiseFilter),
        bias: on.addressOf(call.inputs['depthwiseBias']),
        high: clamp.high,
        out: codes,
        work: on.scratch,
        workBytes: SCRATCH_BYTES,
      });
    const out = isDone ? on.makeOutput(narrow.outShape) : undefined;
    if (out) {
      on.kernels.multiplyCodes({
        a: codes,
        m: pixels,
        k: channels,
        panels: projection.at,
        n: narrow.outChannels,
        bias: on.addressOf(call.inputs['projectionBias']),
        ...block.narrowClamp,
        out: on.addressOf(out),
        work: on.scratch,
        step: clamp.high / 127,
      });
    }
    on.heap._free(memory);
    return out;
  };
}

/** Codes of what lies under the expansion's filter. @returns whether there was enough memory */
function quantize(
  on: Computing,
  x: TensorInfo,
  wide: Info,
  { parts, rows, scales }: Pick<KernelArguments<'quantizePatches'>, 'parts' | 'rows' | 'scales'>,
): boolean {
  const a = on.addressOf(x);
  const { inChannels: channels } = wide;
  if (isPointwise(wide)) {
    const pixels = wide.batchSize * wide.outHeight * wide.outWidth;
    on.kernels.quantizeRows({ a, rows: pixels, k: channels, to: rows, scales });
    return true;
  }
  const shape = { ...shapeArguments(wide), x: a, channels };
  const room = { work: on.scratch, workBytes: SCRATCH_BYTES };
  return on.kernels.quantizePatches({ ...shape, ...room, parts, rows, scales }) !== 0;
}

/** Nothing for what the kernels do not cover, whatever its weights are. */
function blockOf({ inputs, attrs, backend }: KernelCall) {
  const { x, filter, bias, depthwiseFilter, depthwiseBias, projectionFilter, projectionBias } =
    inputs;
  const attributes = attrs as unknown as InvertedResidualAttributes;
  if (!x || !filter || !bias || !depthwiseFilter || !depthwiseBias || !projectionFilter) return;
  const first: KernelCall = { inputs: { x, filter }, attrs: attributes.expansion, backend };
  const wide = convolutionOf(first, false);
  const wideClamp = clampOf(first);
  if (!wide || wide.outChannels % GROUP > 0 || !isOfCodes(wideClamp)) return;
  const second: KernelCall = {
    inputs: { x: { ...x, shape: wide.outShape }, filter: depthwiseFilter },
    attrs: attributes.depthwise,
    backend,
  };
  const between = convolutionOf(second, true);
  const clamp = clampOf(second);
  if (!between || !hasCodeLines(between) || !isOfCodes(clamp)) return;
  const third: KernelCall = {
    inputs: { x: { ...x, shape: between.outShape }, filter: projectionFilter },
    attrs: attributes.projection,
    backend,
  };
  const narrow = convolutionOf(third, false);
  const narrowClamp = clampOf(third);
  if (!narrow || !isPointwise(narrow) || !narrowClamp) return;
  const areBiases =
    isBias(bias, wide.outChannels) &&
    isBias(depthwiseBias, between.outChannels) &&
    isBias(projectionBias, narrow.outChannels);
  if (!areBiases) return;
  const filters = { filter, depthwiseFilter, projectionFilter };
  return { x, ...filters, wide, between, narrow, wideClamp, clamp, narrowClamp };
}

function hasCodeLines(info: Info): boolean {
  const isOneEach = info.outChannels === info.inChannels;
  return (
    isOneEach &&
    codeFilters.some(({ width, step, padLeft }) => {
      const isWide = info.filterWidth === width && info.strideWidth === step;
      return isWide && info.padInfo.left === padLeft;
    })
  );
}

/** Whether an activation is between 0 and a highest value, of which codes are parts. */
function isOfCodes(clamp: Clamp | undefined): clamp is Clamp {
  return clamp?.low === 0 && Number.isFinite(clamp.high);
}
