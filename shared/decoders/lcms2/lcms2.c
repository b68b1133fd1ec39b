// Little CMS for src/images/convert-to-srgb.ts: converts pixels from the colours that an ICC profile
// describes to sRGB, once an instance. After a change: `pnpm --filter shared build:decoders`, which says what it needs.

#include <lcms2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))

EXPORT("malloc") void *allocate(size_t bytes) { return malloc(bytes); }

static uint32_t big_endian(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/*
 * Renames the tags D2B0 to D2B3, pipelines of floats that may be of any length: browsers do not know
 * them, and each profile that has them has others beside them.
 */
static void forget_float_pipelines(uint8_t *profile, uint32_t length) {
  if (length < 132) return;
  const uint32_t count = big_endian(profile + 128);
  for (uint32_t i = 0, at = 132; i < count && at + 12 <= length; i++, at += 12) {
    if (!memcmp(profile + at, "D2B", 3)) profile[at] = 'x';
  }
}

/* How a pixel of four bytes holds a colour: RGB first, grey first, or CMYK inverted. */
static uint32_t format_of(cmsColorSpaceSignature space) {
  switch (space) {
    case cmsSigRgbData:
      return COLORSPACE_SH(PT_RGB) | EXTRA_SH(1) | CHANNELS_SH(3) | BYTES_SH(1);
    case cmsSigGrayData:
      return COLORSPACE_SH(PT_GRAY) | EXTRA_SH(3) | CHANNELS_SH(1) | BYTES_SH(1);
    case cmsSigCmykData:
      return TYPE_CMYK_8_REV;
    default:
      return 0;
  }
}

static cmsHTRANSFORM transform;

/*
 * Prepares to convert from a profile, which it changes. Returns how many channels its colours have: 1,
 * 3 or 4; 0 for a profile that is damaged, or describes no device of such colours.
 */
EXPORT("open") int open_profile(uint8_t *data, uint32_t length) {
  forget_float_pipelines(data, length);
  cmsHPROFILE profile = cmsOpenProfileFromMem(data, length);
  if (!profile) return 0;
  const uint32_t format = format_of(cmsGetColorSpace(profile));
  const cmsProfileClassSignature class = cmsGetDeviceClass(profile);
  const int is_device = class == cmsSigInputClass || class == cmsSigDisplayClass ||
    class == cmsSigOutputClass || class == cmsSigColorSpaceClass;
  if (!is_device || !format) return 0;
  cmsHPROFILE srgb = cmsCreate_sRGBProfile();
  transform = cmsCreateTransform(profile, format, srgb, TYPE_RGBA_8, INTENT_PERCEPTUAL, 0);
  return transform ? T_CHANNELS(format) : 0;
}

/* Converts pixels of four bytes each, in place. */
EXPORT("convert") void convert(uint8_t *pixels, uint32_t count) {
  cmsDoTransform(transform, pixels, pixels, count);
}

/* As in 2190 for 2.19. */
EXPORT("version") int version(void) { return cmsGetEncodedCMMversion(); }
