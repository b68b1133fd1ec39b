// libwebp for src/images/webp.ts: decodes one frame at a time, lossy or lossless, in memory that is
// counted. After a change: `pnpm --filter shared build:decoders`, which says what it needs.

#include <webp/decode.h>

#include "src/dsp/cpu.h"

#include "../arena.h"

/* Forgets the image before. Returns where to put the data; 0 where there is no memory left. */
EXPORT("prepare") uint8_t *prepare(size_t length) {
  reset_arena();
  return allocate(length);
}

/*
 * Decodes the data, which have to be of width x height pixels, to RGBA, which stays until the next
 * `prepare`. Returns 0 for what is damaged, of another size, or needs more memory than there is.
 */
EXPORT("decode") const uint8_t *decode(const uint8_t *data, size_t length, int width, int height) {
  int data_width, data_height;
  if (!WebPGetInfo(data, length, &data_width, &data_height)) return 0;
  if (data_width != width || data_height != height) return 0;
  const size_t stride = (size_t)width * 4;
  const uint64_t bytes = (uint64_t)stride * height;
  uint8_t *pixels = bytes < UINT32_MAX ? allocate(bytes) : 0;
  return pixels ? WebPDecodeRGBAInto(data, length, pixels, bytes, stride) : 0;
}

EXPORT("version") int version(void) { return WebPGetDecoderVersion(); }

/* SSE2's and SSE4.1's code, through SIMDe; in place of asking the processor. */
static int has_feature(CPUFeature feature) { return feature == kSSE2 || feature == kSSE4_1; }

VP8CPUInfo VP8GetCPUInfo = has_feature;
