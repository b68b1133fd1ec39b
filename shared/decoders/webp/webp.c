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
 *
 * Sides are divided by the reduction, which has to be 1 for lossless data and for transparency: each
 * pixel is the mean of a square in luma and chroma, and never is the whole image in memory. What
 * remains of a side is cut off at both of its ends, an even number of pixels at the first.
 */
EXPORT("decode")
const uint8_t *decode(const uint8_t *data, size_t length, int width, int height, int reduction) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return 0;
  if (WebPGetFeatures(data, length, &config.input) != VP8_STATUS_OK) return 0;
  if (config.input.width != width || config.input.height != height) return 0;
  const int out_width = width / reduction;
  const int out_height = height / reduction;
  if (reduction > 1) {
    config.options.use_cropping = 1;
    config.options.crop_width = out_width * reduction;
    config.options.crop_height = out_height * reduction;
    config.options.crop_left = (width - config.options.crop_width) / 2 & ~1;
    config.options.crop_top = (height - config.options.crop_height) / 2 & ~1;
    config.options.use_scaling = 1;
    config.options.scaled_width = out_width;
    config.options.scaled_height = out_height;
  }
  const size_t stride = (size_t)out_width * 4;
  const uint64_t bytes = (uint64_t)stride * out_height;
  uint8_t *pixels = bytes < UINT32_MAX ? allocate(bytes) : 0;
  if (!pixels) return 0;
  config.output.colorspace = MODE_RGBA;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels;
  config.output.u.RGBA.stride = (int)stride;
  config.output.u.RGBA.size = bytes;
  return WebPDecode(data, length, &config) == VP8_STATUS_OK ? pixels : 0;
}

EXPORT("version") int version(void) { return WebPGetDecoderVersion(); }

/* SSE2's and SSE4.1's code, through SIMDe; in place of asking the processor. */
static int has_feature(CPUFeature feature) { return feature == kSSE2 || feature == kSSE4_1; }

VP8CPUInfo VP8GetCPUInfo = has_feature;
