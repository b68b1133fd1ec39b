// AssemblyScript: a matrix product that leaves out what it would multiply by zero. After a ReLU half to
// three quarters of the left factor are zeros, in other places for each image (activation
// sparsity: Kurtz et al., Inducing and Exploiting Activation Sparsity for Fast Inference on Deep Neural
// Networks, ICML 2020). The right factor is weights of 8 bits.
import { int8PanelBytes } from './int8-panels';
import { PANEL, panelBias } from './panels';
import { Product } from './tiles/arguments';
import { pairPanel } from './tiles/int8-rows';
import { sparseTile4, sparseTile5 } from './tiles/sparse-tiles';

/** Panels of the widest and the narrowest tile. */
const MOST_PANELS: i32 = 5;
const LEAST_PANELS: i32 = 4;
/** So many values of a row have places of a byte, and their weights for a tile the L1 cache. */
const DEPTH: i32 = 256;
/** Rows whose values are listed at a time. */
const ROWS: i32 = 256;
/** Rows that are looked at for zeros. */
const SAMPLES: i32 = 8;
/** With fewer zeros the dense product is faster: zeros of `MIN_OF`. */
const MIN_ZEROS: i32 = 1;
const MIN_OF: i32 = 5;

const TABLE_BYTES: usize = 256 * 8;
const ENDS_BYTES: usize = <usize>ROWS * 4;
/** Places are written eight at a time. */
const LISTS_BYTES: usize = <usize>ROWS * DEPTH + 64;

/** Tiles of four or five panels, where `n` is made up of them. */
function tilesOf(n: i32): i32 {
  return (n / PANEL + MOST_PANELS - 1) / MOST_PANELS;
}

/** Whether `multiplySparse` computes this product, and is likely to be the faster one. */
export function isSparse(product: Product): bool {
  const k = product.k;
  const n = product.n;
  if (n % PANEL !== 0 || n / PANEL < tilesOf(n) * LEAST_PANELS) return false;
  const rows = min(product.m, SAMPLES);
  const zero = f32x4.splat(0);
  let counts = i32x4.splat(0);
  for (let i = 0; i < rows; i++) {
    const row = product.a + ((<usize>((product.m / rows) * i) * <usize>k) << 2);
    for (let at = row, end = row + ((<usize>k & ~3) << 2); at < end; at += 16) {
      counts = i32x4.sub(counts, f32x4.eq(v128.load(at), zero));
    }
  }
  const zeros =
    i32x4.extract_lane(counts, 0) +
    i32x4.extract_lane(counts, 1) +
    i32x4.extract_lane(counts, 2) +
    i32x4.extract_lane(counts, 3);
  return zeros * MIN_OF >= rows * k * MIN_ZEROS;
}

/** As `multiplyInt8Weights`, where `isSparse`. */
export function multiplySparse(product: Product): void {
  const m = product.m;
  const k = product.k;
  const n = product.n;
  const work = product.work;
  makeTable(work);
  const aStride = (<usize>k) << 2;
  const outStride = (<usize>n) << 2;
  const blocks = (m + ROWS - 1) / ROWS;
  const block = (m + blocks - 1) / blocks;
  const part = partOf(k);
  for (let row = 0; row < m; row += block) {
    const rows = min(block, m - row);
    const to = product.out + <usize>row * outStride;
    for (let at = to, end = to + <usize>rows * outStride; at < end; at += 16) {
      v128.store(at, f32x4.splat(0));
    }
    for (let begin = 0; begin < k; begin += part) {
      const depth = min(part, k - begin);
      const from = product.a + <usize>row * aStride + ((<usize>begin) << 2);
      listNonZeros(from, rows, depth, aStride, work);
      addProducts(product, from, rows, begin, depth, to);
    }
    finish(product, to, rows);
  }
}

/** The inner dimension in equal parts that fit, of a multiple of four. */
function partOf(k: i32): i32 {
  const parts = (k + DEPTH - 1) / DEPTH;
  return ((k + parts - 1) / parts + 3) & ~3;
}

/** For each of 256 bit masks, the places of its ones. */
function makeTable(table: usize): void {
  for (let mask = 0; mask < 256; mask++) {
    let to = table + ((<usize>mask) << 3);
    store<u64>(to, 0);
    for (let rest = mask; rest; rest &= rest - 1) store<u8>(to++, <u8>ctz(rest));
  }
}

/** Puts where each row's list ends, and then the lists of places, after the table. */
function listNonZeros(a: usize, rows: i32, depth: i32, aStride: usize, table: usize): void {
  const zero = f32x4.splat(0);
  const eight = i8x16.splat(8);
  const ends = table + TABLE_BYTES;
  let list = ends + ENDS_BYTES;
  for (let row = 0; row < rows; row++) {
    let places = i8x16.splat(0);
    let i = 0;
    for (let at = a; i + 8 <= depth; i += 8, at += 32) {
      const left = f32x4.ne(v128.load(at), zero);
      const right = f32x4.ne(v128.load(at, 16), zero);
      const mask = i16x8.bitmask(i16x8.narrow_i32x4_s(left, right));
      const ones = v128.load64_zero(table + ((<usize>mask) << 3));
      v128.store64_lane(list, i8x16.add(ones, places), 0);
      list += <usize>popcnt(mask);
      places = i8x16.add(places, eight);
    }
    for (; i < depth; i++) {
      store<u8>(list, <u8>i);
      list += <usize>(load<f32>(a + ((<usize>i) << 2)) !== 0);
    }
    store<u32>(ends + ((<usize>row) << 2), <u32>list);
    a += aStride;
  }
}

/** Adds the listed values' products, without the columns' scales. */
function addProducts(
  product: Product,
  a: usize,
  rows: i32,
  begin: i32,
  depth: i32,
  out: usize,
): void {
  const k = product.k;
  const n = product.n;
  const ends = product.work + TABLE_BYTES;
  const lists = ends + ENDS_BYTES;
  const weights = lists + LISTS_BYTES;
  const aStride = (<usize>k) << 2;
  const outStride = (<usize>n) << 2;
  const panelStride = <usize>int8PanelBytes(k, PANEL);
  const all = n / PANEL;
  const tiles = tilesOf(n);
  for (let tile = 0; tile < tiles; tile++) {
    const first = (all * tile) / tiles;
    const count = (all * (tile + 1)) / tiles - first;
    let panel = product.panels + <usize>first * panelStride;
    for (let i = 0; i < count; i++) {
      pairPanel(panel, begin, depth, weights + ((<usize>i) << 4), (<usize>count) << 4);
      panel += panelStride;
    }
    let list = lists;
    let from = a;
    let to = out + <usize>first * (PANEL << 2);
    for (let row = 0; row < rows; row++) {
      const end = <usize>load<u32>(ends + ((<usize>row) << 2));
      if (count === 5) sparseTile5(from, list, end, weights, to);
      else sparseTile4(from, list, end, weights, to);
      list = end;
      from += aStride;
      to += outStride;
    }
  }
}

/** Scales the sums, adds the bias and clamps them. */
function finish(product: Product, out: usize, rows: i32): void {
  const n = product.n;
  const low = f32x4.splat(product.low);
  const high = f32x4.splat(product.high);
  const outStride = (<usize>n) << 2;
  const panelStride = <usize>int8PanelBytes(product.k, PANEL);
  // Where the lists end has been used.
  const edge = product.work + TABLE_BYTES;
  let panels = product.panels;
  for (let column = 0; column < n; column += PANEL) {
    const scale0 = v128.load(panels);
    const scale1 = v128.load(panels, 16);
    const from = panelBias(product.bias, column, n, edge);
    const bias0 = v128.load(from);
    const bias1 = v128.load(from, 16);
    let at = out + ((<usize>column) << 2);
    for (let row = 0; row < rows; row++) {
      const left = f32x4.relaxed_madd(v128.load(at), scale0, bias0);
      const right = f32x4.relaxed_madd(v128.load(at, 16), scale1, bias1);
      v128.store(at, f32x4.pmin(f32x4.pmax(left, low), high));
      v128.store(at, f32x4.pmin(f32x4.pmax(right, low), high), 16);
      at += outStride;
    }
    panels += panelStride;
  }
}
