/** Tolerance relative to the largest number beside it: more than the sums of different CPUs differ by. */
const TOLERANCE = 1e-5;

/**
 * Lists the differences of two golden values.
 *
 * @returns a line for each, such as `trunk.loss: 1.5, but now 2.5`
 */
export function differences(expected: unknown, actual: unknown, path = ''): string[] {
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    const numbers = [...expected, ...actual].filter((value) => typeof value === 'number');
    const tolerance = TOLERANCE * Math.max(...numbers.map(Math.abs));
    return expected.flatMap((value, index) =>
      compare(value, actual[index], `${path}[${index}]`, tolerance),
    );
  }
  if (isRecord(expected) && isRecord(actual)) {
    // A sum's rounding errors are those of its largest terms.
    const scale = Number(expected['maxAbs'] ?? 0) * Number(expected['stride'] ?? 0);
    return [...new Set([...Object.keys(expected), ...Object.keys(actual)])].flatMap((key) =>
      compare(expected[key], actual[key], path === '' ? key : `${path}.${key}`, TOLERANCE * scale),
    );
  }
  return expected === actual ? [] : [`${path}: ${text(expected)}, but now ${text(actual)}`];
}

function compare(expected: unknown, actual: unknown, path: string, tolerance: number): string[] {
  if (typeof expected !== 'number' || typeof actual !== 'number') {
    return differences(expected, actual, path);
  }
  const same =
    expected === actual ||
    Math.abs(expected - actual) <= Math.max(tolerance, TOLERANCE * Math.abs(expected));
  return same ? [] : [`${path}: ${expected}, but now ${actual}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return String(JSON.stringify(value)).slice(0, 60);
}
