// libjpeg's accurate inverse DCT, jidctint.c, in WebAssembly's SIMD: the same numbers, as pairs of
// 16-bit products. NEON's code computes in halves of a register, for which WebAssembly has nothing.

#include <stdint.h>
#include <wasm_simd128.h>

#define JPEG_INTERNALS
#include "jinclude.h"
#include "jpeglib.h"
#include "jdct.h"

/* Bits after the point: of constants, and of what is between the passes. */
enum { constant_bits = 13, between_bits = 2 };

#define FIX(x) ((int)((x) * (1 << constant_bits) + ((x) < 0 ? -0.5 : 0.5)))

/* Eight 32-bit numbers, of eight columns. */
typedef struct {
  v128_t low, high;
} Wide;

/* a * x + b * y */
static inline Wide dot(v128_t a, v128_t b, int x, int y) {
  const v128_t factors = wasm_i32x4_splat((y << 16) | (x & 0xffff));
  return (Wide){
    wasm_i32x4_dot_i16x8(wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11), factors),
    wasm_i32x4_dot_i16x8(wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15), factors),
  };
}

static inline Wide add(Wide a, Wide b) {
  return (Wide){wasm_i32x4_add(a.low, b.low), wasm_i32x4_add(a.high, b.high)};
}

static inline Wide subtract(Wide a, Wide b) {
  return (Wide){wasm_i32x4_sub(a.low, b.low), wasm_i32x4_sub(a.high, b.high)};
}

static inline v128_t round_off(Wide a, int bits) {
  const v128_t half = wasm_i32x4_splat(1 << (bits - 1));
  return wasm_i16x8_narrow_i32x4(
    wasm_i32x4_shr(wasm_i32x4_add(a.low, half), bits),
    wasm_i32x4_shr(wasm_i32x4_add(a.high, half), bits)
  );
}

/* One dimension, of eight columns at a time. */
static inline void transform(v128_t rows[8], int bits) {
  const Wide even_2 = dot(rows[2], rows[6], FIX(0.541196100), FIX(0.541196100) - FIX(1.847759065));
  const Wide even_3 = dot(rows[2], rows[6], FIX(0.541196100) + FIX(0.765366865), FIX(0.541196100));
  const Wide even_0 = dot(rows[0], rows[4], 1 << constant_bits, 1 << constant_bits);
  const Wide even_1 = dot(rows[0], rows[4], 1 << constant_bits, -(1 << constant_bits));
  const Wide even[4] = {
    add(even_0, even_3), add(even_1, even_2), subtract(even_1, even_2), subtract(even_0, even_3),
  };
  const v128_t z3 = wasm_i16x8_add(rows[7], rows[3]);
  const v128_t z4 = wasm_i16x8_add(rows[5], rows[1]);
  const Wide sum_3 = dot(z3, z4, FIX(1.175875602) - FIX(1.961570560), FIX(1.175875602));
  const Wide sum_4 = dot(z3, z4, FIX(1.175875602), FIX(1.175875602) - FIX(0.390180644));
  const Wide odd[4] = {
    add(dot(rows[7], rows[1], -FIX(0.899976223), FIX(1.501321110) - FIX(0.899976223)), sum_4),
    add(dot(rows[5], rows[3], -FIX(2.562915447), FIX(3.072711026) - FIX(2.562915447)), sum_3),
    add(dot(rows[5], rows[3], FIX(2.053119869) - FIX(2.562915447), -FIX(2.562915447)), sum_4),
    add(dot(rows[7], rows[1], FIX(0.298631336) - FIX(0.899976223), -FIX(0.899976223)), sum_3),
  };
  for (int i = 0; i < 4; i++) {
    rows[i] = round_off(add(even[i], odd[i]), bits);
    rows[7 - i] = round_off(subtract(even[i], odd[i]), bits);
  }
}

static inline void transpose(v128_t rows[8]) {
  v128_t a[8], b[8];
  for (int i = 0; i < 4; i++) {
    a[2 * i] = wasm_i16x8_shuffle(rows[i], rows[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
    a[2 * i + 1] = wasm_i16x8_shuffle(rows[i], rows[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
  }
  for (int i = 0; i < 4; i++) {
    b[2 * i] = wasm_i16x8_shuffle(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
    b[2 * i + 1] = wasm_i16x8_shuffle(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
  }
  for (int i = 0; i < 4; i++) {
    rows[2 * i] = wasm_i16x8_shuffle(b[i], b[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
    rows[2 * i + 1] = wasm_i16x8_shuffle(b[i], b[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
  }
}

int jsimd_can_idct_islow(void) { return 1; }

void jsimd_idct_islow(
  j_decompress_ptr c, jpeg_component_info *component, JCOEFPTR coefficients, JSAMPARRAY output,
  JDIMENSION column
) {
  const ISLOW_MULT_TYPE *factors = component->dct_table;
  v128_t rows[8];
  v128_t later = wasm_i16x8_const_splat(0);
  for (int i = 0; i < 8; i++) {
    rows[i] = wasm_v128_load(coefficients + 8 * i);
    if (i > 0) later = wasm_v128_or(later, rows[i]);
    rows[i] = wasm_i16x8_mul(rows[i], wasm_v128_load(factors + 8 * i));
  }
  if (wasm_v128_any_true(later)) {
    transform(rows, constant_bits - between_bits);
  } else {
    const v128_t flat = wasm_i16x8_shl(rows[0], between_bits);
    for (int i = 0; i < 8; i++) rows[i] = flat;
  }
  transpose(rows);
  transform(rows, constant_bits + between_bits + 3);
  transpose(rows);
  const v128_t middle = wasm_i8x16_splat(-128);
  for (int i = 0; i < 8; i += 2) {
    const v128_t samples = wasm_v128_xor(wasm_i8x16_narrow_i16x8(rows[i], rows[i + 1]), middle);
    wasm_v128_store64_lane(output[i] + column, samples, 0);
    wasm_v128_store64_lane(output[i + 1] + column, samples, 1);
  }
}
