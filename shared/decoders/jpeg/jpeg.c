// libjpeg-turbo for src/images/jpeg-decoder.ts: decodes one JPEG at a time, as much as Pillow and
// browsers do, and no more than it is allowed to. After a change: `pnpm --filter shared
// build:decoders`, which says what it needs.

#include <limits.h>
#include <stdio.h>

#define JPEG_INTERNALS
#include "jinclude.h"
#include "jpeglib.h"
#include "jmemsys.h"

#include "../arena.h"

/* Why a decode ends early, beside libjpeg's own message codes, which are positive. */
enum { cut_off = -1, too_much_work = -2, pixels_missing = -3, other_size = -4 };

/* Does not return: the host throws, and starts anew. There is no longjmp. */
__attribute__((import_module("host"), import_name("fail"))) _Noreturn void fail(int reason);

/*
 * Work in about nanoseconds, on the machine of 2 cores that the measurements are from. Beside the
 * single scan of a plain JPEG, which costs at most what its pixels do.
 */
enum {
  scan_work = 3000,
  block_work = 20,
  refined_coefficient_work = 4,
  /* Few bytes can stand for many of these. */
  arithmetic_coefficient_work = 25,
};

typedef struct {
  const uint8_t *pixels;
  int width, height;
  /* Else RGBX. CMYK is as stored, which by Adobe's convention is inverted. */
  int is_cmyk, has_adobe_marker;
} Image;

static struct jpeg_decompress_struct decoder;
static struct jpeg_error_mgr errors;
static struct jpeg_source_mgr source;
static struct jpeg_progress_mgr progress;
static Image image;

static double work, max_work;
static int last_scan;
/*
 * MCUs of the scan that no data came for, which libjpeg invents. Of arithmetic coding, those after its
 * last byte, which has any number of plain ones.
 */
static JDIMENSION missing;
static boolean (*decode_mcu)(j_decompress_ptr, JBLOCKROW *);

static void error_exit(j_common_ptr c) { fail(c->err->msg_code); }
static void emit_message(j_common_ptr c, int level) {}
static void output_message(j_common_ptr c) {}
static void format_message(j_common_ptr c, char *buffer) { *buffer = 0; }
static void reset_error_mgr(j_common_ptr c) {}

static void do_nothing(j_decompress_ptr c) {}

/* As Pillow, which refuses a file without an end. */
static boolean fill_input_buffer(j_decompress_ptr c) { fail(cut_off); }

static void skip_input_data(j_decompress_ptr c, long count) {
  if (count <= 0) return;
  if ((size_t)count > source.bytes_in_buffer) fail(cut_off);
  source.next_input_byte += count;
  source.bytes_in_buffer -= count;
}

static boolean decode_and_count(j_decompress_ptr c, JBLOCKROW *blocks) {
  const boolean is_done = decode_mcu(c, blocks);
  if (c->arith_code ? c->unread_marker : c->entropy->insufficient_data) missing++;
  return is_done;
}

/* Less than a row of an image may be missing, where its last bytes are damaged. */
static void refuse_missing(void) {
  const JDIMENSION few = decoder.arith_code ? UINT_MAX : decoder.MCUs_per_row;
  if (missing >= few || missing * 4 > decoder.MCUs_per_row * decoder.MCU_rows_in_scan) {
    fail(pixels_missing);
  }
  missing = 0;
}

/* Before a scan's first MCU. */
static void begin_scan(void) {
  double blocks = (double)decoder.MCUs_per_row * decoder.MCU_rows_in_scan * decoder.blocks_in_MCU;
  const int is_refined = decoder.Ah > 0 && decoder.Ss > 0;
  const int coefficients = is_refined ? decoder.Se - decoder.Ss + 1 : 0;
  work += scan_work + blocks * (block_work + coefficients * refined_coefficient_work);
  if (decoder.arith_code) work += blocks * (decoder.Se - decoder.Ss + 1) * arithmetic_coefficient_work;
  if (work > max_work) fail(too_much_work);
  if (decoder.entropy->decode_mcu != decode_and_count) {
    decode_mcu = decoder.entropy->decode_mcu;
    decoder.entropy->decode_mcu = decode_and_count;
  }
}

/* libjpeg calls it before each row of a scan, while it reads all scans of an image. */
static void monitor_progress(j_common_ptr c) {
  if (decoder.input_scan_number == last_scan) return;
  /* Of the scan before, whose sizes are gone: the sizes of its rows differ little. */
  last_scan = decoder.input_scan_number;
  refuse_missing();
  begin_scan();
}

/* Forgets the image before. Returns where to put the file. */
EXPORT("prepare") uint8_t *prepare(size_t length) {
  reset_arena();
  return allocate(length);
}

/*
 * Decodes a file at `file`, whose header says that it has width x height pixels, to sides divided by
 * `divisor`, rounded up. The pixels stay until the next `prepare`.
 */
EXPORT("decode") const Image *decode(
  const uint8_t *file, size_t length, JDIMENSION width, JDIMENSION height, int divisor, double budget
) {
  memset(&decoder, 0, sizeof decoder);
  errors = (struct jpeg_error_mgr){
    .error_exit = error_exit,
    .emit_message = emit_message,
    .output_message = output_message,
    .format_message = format_message,
    .reset_error_mgr = reset_error_mgr,
  };
  decoder.err = &errors;
  jpeg_create_decompress(&decoder);
  source = (struct jpeg_source_mgr){
    .next_input_byte = file,
    .bytes_in_buffer = length,
    .init_source = do_nothing,
    .fill_input_buffer = fill_input_buffer,
    .skip_input_data = skip_input_data,
    .resync_to_restart = jpeg_resync_to_restart,
    .term_source = do_nothing,
  };
  decoder.src = &source;
  progress = (struct jpeg_progress_mgr){.progress_monitor = monitor_progress};
  decoder.progress = &progress;
  work = 0;
  max_work = budget;
  last_scan = 0;
  missing = 0;

  jpeg_read_header(&decoder, TRUE);
  if (decoder.image_width != width || decoder.image_height != height) fail(other_size);
  const int is_cmyk = decoder.num_components == 4;
  decoder.out_color_space = is_cmyk ? JCS_CMYK : JCS_EXT_RGBX;
  decoder.scale_num = 1;
  decoder.scale_denom = divisor;
  jpeg_start_decompress(&decoder);
  if (last_scan == 0) {
    /* One scan holds it all, and is decoded as its rows are asked for. */
    decoder.progress = 0;
    begin_scan();
  } else {
    refuse_missing();
  }

  const size_t row_bytes = (size_t)decoder.output_width * 4;
  uint8_t *pixels = allocate(row_bytes * decoder.output_height);
  if (!pixels) fail(JERR_OUT_OF_MEMORY);
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW rows[16];
    const JDIMENSION first = decoder.output_scanline;
    for (int i = 0; i < 16; i++) rows[i] = pixels + row_bytes * (first + i);
    jpeg_read_scanlines(&decoder, rows, MIN(16, decoder.output_height - first));
  }
  refuse_missing();
  image = (Image){
    pixels, decoder.output_width, decoder.output_height, is_cmyk, decoder.saw_Adobe_marker,
  };
  return &image;
}

/* Goes on to the end of the image, which the file must have. What is wrong before it matters not. */
EXPORT("finish") void finish(void) { jpeg_finish_decompress(&decoder); }

EXPORT("version") int version(void) { return LIBJPEG_TURBO_VERSION_NUMBER; }

/* What libjpeg asks the system for. */

void *jpeg_get_small(j_common_ptr c, size_t bytes) { return allocate(bytes); }
void *jpeg_get_large(j_common_ptr c, size_t bytes) { return allocate(bytes); }
void jpeg_free_small(j_common_ptr c, void *block, size_t bytes) {}
void jpeg_free_large(j_common_ptr c, void *block, size_t bytes) {}
size_t jpeg_mem_available(j_common_ptr c, size_t min, size_t max, size_t taken) { return max; }
void jpeg_open_backing_store(j_common_ptr c, backing_store_ptr info, long bytes) {
  fail(JERR_OUT_OF_MEMORY);
}
long jpeg_mem_init(j_common_ptr c) { return 0; }
void jpeg_mem_term(j_common_ptr c) {}

/* What no browser reads: more than 8 bits a sample, lossless JPEG; and what is not asked for. */

#define LEAVE_OUT(name) \
  void name(j_decompress_ptr c) { fail(JERR_NOT_COMPILED); }

LEAVE_OUT(j12init_1pass_quantizer)
LEAVE_OUT(j12init_2pass_quantizer)
LEAVE_OUT(j12init_merged_upsampler)
LEAVE_OUT(j12init_color_deconverter)
LEAVE_OUT(j12init_upsampler)
LEAVE_OUT(j12init_inverse_dct)
LEAVE_OUT(j16init_color_deconverter)
LEAVE_OUT(j16init_upsampler)
LEAVE_OUT(jinit_1pass_quantizer)
LEAVE_OUT(jinit_2pass_quantizer)
LEAVE_OUT(jinit_merged_upsampler)
LEAVE_OUT(jinit_lossless_decompressor)
LEAVE_OUT(j12init_lossless_decompressor)
LEAVE_OUT(j16init_lossless_decompressor)
LEAVE_OUT(jinit_lhuff_decoder)

#undef LEAVE_OUT
#define LEAVE_OUT(name) \
  void name(j_decompress_ptr c, boolean need_buffer) { fail(JERR_NOT_COMPILED); }

LEAVE_OUT(j12init_d_post_controller)
LEAVE_OUT(j16init_d_post_controller)
LEAVE_OUT(jinit_d_diff_controller)
LEAVE_OUT(j12init_d_diff_controller)
LEAVE_OUT(j16init_d_diff_controller)
LEAVE_OUT(j12init_d_coef_controller)
LEAVE_OUT(j12init_d_main_controller)
LEAVE_OUT(j16init_d_main_controller)
