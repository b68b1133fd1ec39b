// What libjpeg-turbo asks of a processor's SIMD, for WebAssembly's: its own NEON code through SIMDe,
// but for colours, where NEON's interleaved stores would take most of a decode.

#include <wasm_simd128.h>

#define JPEG_INTERNALS
#include "jinclude.h"
#include "jpeglib.h"
#include "jdct.h"

/* Eight pixels' blue and red chroma, less 128, to what one of them adds to a colour: 16-bit parts. */
static v128_t weigh(v128_t cb, v128_t cr, int weight_cb, int weight_cr) {
  const v128_t weights = wasm_i32x4_splat((weight_cr << 16) | (weight_cb & 0xffff));
  const v128_t half = wasm_i32x4_const_splat(1 << 15);
  const v128_t low = wasm_i16x8_shuffle(cb, cr, 0, 8, 1, 9, 2, 10, 3, 11);
  const v128_t high = wasm_i16x8_shuffle(cb, cr, 4, 12, 5, 13, 6, 14, 7, 15);
  return wasm_i16x8_narrow_i32x4(
    wasm_i32x4_shr(wasm_i32x4_add(wasm_i32x4_dot_i16x8(low, weights), half), 16),
    wasm_i32x4_shr(wasm_i32x4_add(wasm_i32x4_dot_i16x8(high, weights), half), 16)
  );
}

/*
 * The same numbers as jdcolor.c, of 16 bits after the point: 1.402, 0.34414, 0.71414 and 1.772. What
 * a factor of 16 bits cannot hold is added or subtracted as a whole.
 */
static void convert(v128_t y, v128_t cb, v128_t cr, v128_t *r, v128_t *g, v128_t *b) {
  *r = wasm_i16x8_add(wasm_i16x8_add(y, cr), weigh(cb, cr, 0, 91881 - 65536));
  *g = wasm_i16x8_add(wasm_i16x8_sub(y, cr), weigh(cb, cr, -22554, 65536 - 46802));
  *b = wasm_i16x8_add(
    wasm_i16x8_add(y, wasm_i16x8_add(cb, cb)), weigh(cb, cr, 116130 - 131072, 0)
  );
}

static void convert_16(const JSAMPLE *y, const JSAMPLE *cb, const JSAMPLE *cr, JSAMPLE *rgbx) {
  const v128_t middle = wasm_i16x8_const_splat(128);
  const v128_t ys = wasm_v128_load(y), cbs = wasm_v128_load(cb), crs = wasm_v128_load(cr);
  v128_t r[2], g[2], b[2];
  convert(
    wasm_u16x8_extend_low_u8x16(ys), wasm_i16x8_sub(wasm_u16x8_extend_low_u8x16(cbs), middle),
    wasm_i16x8_sub(wasm_u16x8_extend_low_u8x16(crs), middle), &r[0], &g[0], &b[0]
  );
  convert(
    wasm_u16x8_extend_high_u8x16(ys), wasm_i16x8_sub(wasm_u16x8_extend_high_u8x16(cbs), middle),
    wasm_i16x8_sub(wasm_u16x8_extend_high_u8x16(crs), middle), &r[1], &g[1], &b[1]
  );
  const v128_t red = wasm_u8x16_narrow_i16x8(r[0], r[1]);
  const v128_t green = wasm_u8x16_narrow_i16x8(g[0], g[1]);
  const v128_t blue = wasm_u8x16_narrow_i16x8(b[0], b[1]);
  const v128_t opaque = wasm_u8x16_const_splat(255);
#define PAIRS(a, b, first) \
  wasm_i8x16_shuffle( \
    a, b, first, first + 16, first + 1, first + 17, first + 2, first + 18, first + 3, first + 19, \
    first + 4, first + 20, first + 5, first + 21, first + 6, first + 22, first + 7, first + 23 \
  )
  const v128_t rg[2] = {PAIRS(red, green, 0), PAIRS(red, green, 8)};
  const v128_t bx[2] = {PAIRS(blue, opaque, 0), PAIRS(blue, opaque, 8)};
  for (int i = 0; i < 2; i++) {
    const v128_t first = wasm_i16x8_shuffle(rg[i], bx[i], 0, 8, 1, 9, 2, 10, 3, 11);
    const v128_t second = wasm_i16x8_shuffle(rg[i], bx[i], 4, 12, 5, 13, 6, 14, 7, 15);
    wasm_v128_store(rgbx + i * 32, first);
    wasm_v128_store(rgbx + i * 32 + 16, second);
  }
}

int jsimd_can_ycc_rgb(void) { return 1; }

void jsimd_ycc_rgb_convert(
  j_decompress_ptr c, JSAMPIMAGE input, JDIMENSION input_row, JSAMPARRAY output, int rows
) {
  const JDIMENSION width = c->output_width;
  for (int row = 0; row < rows; row++, input_row++) {
    const JSAMPLE *y = input[0][input_row], *cb = input[1][input_row], *cr = input[2][input_row];
    JDIMENSION x = 0;
    for (; x + 16 <= width; x += 16) convert_16(y + x, cb + x, cr + x, output[row] + x * 4);
    if (x == width) continue;
    JSAMPLE rest[3][16] = {0}, pixels[64];
    for (JDIMENSION i = x; i < width; i++) {
      rest[0][i - x] = y[i];
      rest[1][i - x] = cb[i];
      rest[2][i - x] = cr[i];
    }
    convert_16(rest[0], rest[1], rest[2], pixels);
    memcpy(output[row] + x * 4, pixels, (width - x) * 4);
  }
}

int jsimd_can_ycc_rgb565(void) { return 0; }
void jsimd_ycc_rgb565_convert(
  j_decompress_ptr c, JSAMPIMAGE input, JDIMENSION input_row, JSAMPARRAY output, int rows
) {}

#define UPSAMPLE(name, columns) \
  void jsimd_##name##_neon(int max_v_samp_factor, JDIMENSION width, JSAMPARRAY, JSAMPARRAY *); \
  int jsimd_can_##name(void) { return 1; } \
  void jsimd_##name( \
    j_decompress_ptr c, jpeg_component_info *component, JSAMPARRAY input, JSAMPARRAY *output \
  ) { \
    jsimd_##name##_neon(c->max_v_samp_factor, columns, input, output); \
  }

UPSAMPLE(h2v1_fancy_upsample, component->downsampled_width)
UPSAMPLE(h2v2_fancy_upsample, component->downsampled_width)
UPSAMPLE(h1v2_fancy_upsample, component->downsampled_width)
UPSAMPLE(h2v1_upsample, c->output_width)
UPSAMPLE(h2v2_upsample, c->output_width)

#define IDCT(name) \
  void jsimd_##name##_neon(void *dct_table, JCOEFPTR, JSAMPARRAY, JDIMENSION column); \
  int jsimd_can_##name(void) { return 1; } \
  void jsimd_##name( \
    j_decompress_ptr c, jpeg_component_info *component, JCOEFPTR coefficients, \
    JSAMPARRAY output, JDIMENSION column \
  ) { \
    jsimd_##name##_neon(component->dct_table, coefficients, output, column); \
  }

IDCT(idct_2x2)
IDCT(idct_4x4)

/* Less exact, and not asked for. */
int jsimd_can_idct_ifast(void) { return 0; }
int jsimd_can_idct_float(void) { return 0; }
void jsimd_idct_ifast(
  j_decompress_ptr c, jpeg_component_info *component, JCOEFPTR coefficients, JSAMPARRAY output,
  JDIMENSION column
) {}
void jsimd_idct_float(
  j_decompress_ptr c, jpeg_component_info *component, JCOEFPTR coefficients, JSAMPARRAY output,
  JDIMENSION column
) {}
