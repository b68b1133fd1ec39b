import asc from 'assemblyscript/asc';

interface Kernel {
  floats(steps: number, scale: number, shift: number): number;
  integers(steps: number, a: number, b: number): number;
}

/** TypeScript has WebAssembly only among the types of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Kernel };
};

/**
 * Twelve sums of four lanes, limited only by the arithmetic units: they fit into the registers of x86-64
 * and are enough to hide the latency of an FMA.
 */
const SUMS = 12;
const STEPS = 200_000;
/** Enough runs for V8 to replace its first, quick code by optimized code. */
const ROUNDS = 300;

const source = `export function floats(steps: i32, scale: f32, shift: f32): f32 {
  const a = f32x4.splat(scale), b = f32x4.splat(shift);
  ${repeat((i) => `let s${i} = f32x4.splat(${i}.5);`)}
  for (let i = 0; i < steps; i++) {
    ${repeat((i) => `s${i} = f32x4.relaxed_madd(s${i}, a, b);`)}
  }
  ${repeat((i) => (i === 0 ? '' : `s0 = f32x4.add(s0, s${i});`))}
  return f32x4.extract_lane(s0, 0);
}
export function integers(steps: i32, scale: i32, shift: i32): i32 {
  const a = i8x16.splat(<i8>scale), b = i8x16.splat(<i8>shift);
  ${repeat((i) => `let s${i} = i32x4.splat(${i});`)}
  for (let i = 0; i < steps; i++) {
    ${repeat((i) => `s${i} = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, s${i});`)}
  }
  ${repeat((i) => (i === 0 ? '' : `s0 = i32x4.add(s0, s${i});`))}
  return i32x4.extract_lane(s0, 0);
}`;

/** The peak of one WebAssembly thread on this machine, in 10⁹ operations per second. */
export async function measurePeaks(): Promise<{ readonly fma: number; readonly dot: number }> {
  const { binary, error, stderr } = await asc.compileString(source, {
    enable: ['simd', 'relaxed-simd'],
    optimizeLevel: 3,
    runtime: 'stub',
  });
  if (error || !binary) throw new Error(`The peaks' kernels do not compile: ${stderr}`);
  const { floats, integers } = new WebAssembly.Instance(new WebAssembly.Module(binary)).exports;
  // Passed as arguments, since the optimizer would inline constants into each step.
  return {
    fma: measure(() => floats(STEPS, 0.999, 0.001), 4),
    dot: measure(() => integers(STEPS, 99, 77), 16),
  };
}

/** @param products per instruction; a multiplication and an addition are two operations */
function measure(run: () => number, products: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return (SUMS * products * 2 * STEPS) / best / 1e6;
}

function repeat(line: (i: number) => string): string {
  return Array.from({ length: SUMS }, (_, i) => line(i)).join('\n');
}
