/** A smooth function's value and gradient at a point. */
export type Slope = (
  at: Float64Array,
) => Promise<{ readonly value: number; readonly gradient: Float64Array }>;

/** Pairs of steps and changes of the gradient that stand in for the Hessian. */
const MEMORY = 10;
/** Armijo's condition: the part of the decrease along the tangent that a step must reach. */
const SUFFICIENT = 1e-4;
const MOST_HALVINGS = 20;

/**
 * Minimizes a smooth convex function by L-BFGS with backtracking (Nocedal & Wright 2006, Algorithms 7.4 and 7.5).
 *
 * @param options.tolerance on the largest component of the gradient
 * @returns the point reached; `start` is not modified
 */
export async function minimize(
  slope: Slope,
  start: Float64Array,
  { iterations, tolerance }: { readonly iterations: number; readonly tolerance: number },
): Promise<Float64Array> {
  const pairs: { readonly step: Float64Array; readonly change: Float64Array }[] = [];
  let point = start;
  let { value, gradient } = await slope(point);
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (gradient.every((part) => Math.abs(part) <= tolerance)) break;
    const direction = descentOf(gradient, pairs);
    const decrease = dot(direction, gradient);
    // Without curvature yet, the first step is no longer than 1.
    let length = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(-decrease));
    let next = await slope(along(point, direction, length));
    for (let halvings = 0; next.value > value + SUFFICIENT * length * decrease; halvings++) {
      // Rounding hides what decrease is left.
      if (halvings === MOST_HALVINGS) return point;
      length /= 2;
      next = await slope(along(point, direction, length));
    }
    const step = direction.map((part) => part * length);
    const before = gradient;
    const change = next.gradient.map((part, at) => part - (before[at] as number));
    if (dot(step, change) > 0) pairs.push({ step, change });
    if (pairs.length > MEMORY) pairs.shift();
    point = along(point, direction, length);
    ({ value, gradient } = next);
  }
  return point;
}

/** The gradient times the negative inverse Hessian, as the pairs approximate it. */
function descentOf(
  gradient: Float64Array,
  pairs: readonly { readonly step: Float64Array; readonly change: Float64Array }[],
): Float64Array {
  let direction: Float64Array = gradient.map((part) => -part);
  const shares: number[] = [];
  for (const { step, change } of pairs.toReversed()) {
    const share = dot(step, direction) / dot(step, change);
    shares.push(share);
    direction = along(direction, change, -share);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = dot(last.step, last.change) / dot(last.change, last.change);
    direction = direction.map((part) => part * scale);
  }
  for (const { step, change } of pairs) {
    const share = (shares.pop() as number) - dot(change, direction) / dot(step, change);
    direction = along(direction, step, share);
  }
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
}

/** `from + length · direction`. */
function along(from: Float64Array, direction: Float64Array, length: number): Float64Array {
  const point = new Float64Array(from.length);
  for (let at = 0; at < from.length; at++) {
    point[at] = (from[at] as number) + length * (direction[at] as number);
  }
  return point;
}
