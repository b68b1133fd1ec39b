import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

const generator = xoroshiro128plus(7);

/** A number in [0, 1), the same in every run. */
export const random = () => uniformFloat64(generator);
export const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
export const one = <T>(choices: readonly T[]) => choices[between(0, choices.length - 1)] as T;
export const values = (length: number) => Float32Array.from({ length }, () => random() * 2 - 1);
