// AssemblyScript: sigmoid and swish (Ramachandran et al. 2017, arXiv:1710.05941).

/** `1 / (1 + exp(−x))`, `[count]` to `[count]`, float32. */
export function sigmoid(x: usize, count: i32, out: usize): void {
  divide(x, i32x4.splat(0), count, out);
}

/** `x · sigmoid(x)`, in the same pass. */
export function swish(x: usize, count: i32, out: usize): void {
  divide(x, i32x4.splat(-1), count, out);
}

/**
 * `x / (1 + exp(−x))` where `keepsX` is ones, and `1 / (1 + exp(−x))` where it is zeros; 3e-7 of it off
 * at most, but for sigmoids below about 2⁻¹²⁷, which count as 0.
 *
 * As in Cephes' expf, exp(−x) is 2ⁿ · exp(−r) with r = x + n · ln 2 and n whole, so that |r| is half of
 * ln 2 at most, and ln 2 has two parts, of which n times the first is exact. For exp(−r) there is the
 * polynomial of degree 5 that begins with 1 − r and has the least relative error, 1e-7.
 */
function divide(x: usize, keepsX: v128, count: i32, out: usize): void {
  // These make n 128 and −127, and 2ⁿ infinite and 0.
  const lowest = f32x4.splat(-88.72284);
  const highest = f32x4.splat(88.02969);
  const perPower = f32x4.splat(-Mathf.LOG2E);
  // What is added to 1.5 · 2²³ + 127 loses its fraction, and the last bits are n + 127: an exponent.
  const rounding = f32x4.splat(12583039);
  const ln2 = f32x4.splat(0.693359375);
  const ln2Rest = f32x4.splat(-2.1219444e-4);
  const c5 = f32x4.splat(-0.008312502);
  const c4 = f32x4.splat(0.041890334);
  const c3 = f32x4.splat(-0.16667116);
  const c2 = f32x4.splat(0.49999231);
  const one = f32x4.splat(1);
  const minusOne = f32x4.splat(-1);
  while (count > 0) {
    const isWhole = count > 3;
    const value = isWhole ? v128.load(x) : v128.load32_splat(x);
    const clamped = f32x4.pmin(f32x4.pmax(value, lowest), highest);
    let n = f32x4.relaxed_madd(clamped, perPower, rounding);
    const power = i32x4.shl(n, 23);
    n = f32x4.sub(n, rounding);
    let r = f32x4.relaxed_madd(n, ln2, clamped);
    r = f32x4.relaxed_madd(n, ln2Rest, r);
    let exp = f32x4.relaxed_madd(c5, r, c4);
    exp = f32x4.relaxed_madd(exp, r, c3);
    exp = f32x4.relaxed_madd(exp, r, c2);
    exp = f32x4.relaxed_madd(exp, r, minusOne);
    exp = f32x4.relaxed_madd(exp, r, one);
    const sum = f32x4.relaxed_madd(exp, power, one);
    const quotient = f32x4.div(i32x4.relaxed_laneselect(value, one, keepsX), sum);
    if (isWhole) {
      v128.store(out, quotient);
      x += 16;
      out += 16;
      count -= 4;
    } else {
      v128.store32_lane(out, quotient, 0);
      x += 4;
      out += 4;
      count -= 1;
    }
  }
}
