/**
 * How strongly the parts of a class activation map are coloured over their image, as the Worker's page does.
 *
 * @returns for each part, from 0 for the least to 0.7 for the most
 */
export function mapOpacities(values: ArrayLike<number>): number[] {
  const all = Array.from(values);
  const least = Math.min(...all);
  const range = Math.max(...all) - least || 1;
  return all.map((value) => 0.7 * ((value - least) / range) ** 1.5);
}
