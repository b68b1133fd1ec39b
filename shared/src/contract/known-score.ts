/**
 * The graph's node that says whether an image shows one of the model's classes at all: `[n, 1]`, 0–1. It
 * stands before the probabilities, which stay the graph's last node and its only declared output, so that
 * programs that know nothing of it read what they always did; `model.execute(input, [output, 'known/score'])`
 * of tfjs reads both.
 */
export const KNOWN_SCORE = 'known/score';

/** An image of this score or more is taken for known: the score is scaled so that the threshold lies here. */
export const KNOWN_FROM = 0.5;

/** @returns what an answer says of a score; nothing of a model without one */
export function knownOf(
  score: number | undefined,
): { readonly known: boolean; readonly score: number } | undefined {
  return score === undefined ? undefined : { known: score >= KNOWN_FROM, score };
}

/**
 * Of CIFAR-10's 10,000 test images, `cifar10-fast` says otherwise in int8 than in float32 of 36, all of which score within
 * 0.084 of `KNOWN_FROM` in int8; 222 score within 0.1. The difference
 * depends on how steep a model's score is, and may rarely be larger.
 */
const BORDER = 0.1;

/** Whether a score that was computed in int8 is so near to the threshold that float32 may say otherwise of the image. */
export function isBorderline(score: number): boolean {
  return Math.abs(score - KNOWN_FROM) < BORDER;
}
