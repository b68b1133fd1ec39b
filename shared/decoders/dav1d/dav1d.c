// dav1d for src/images/avif/dav1d.ts: decodes one AV1 image at a time, on one thread, in memory that
// is counted beforehand. After a change: `pnpm --filter shared build:decoders`, which says what it needs.

#include <dav1d/dav1d.h>
#include <errno.h>

#define EXPORT(name) __attribute__((export_name(name)))

/* What an AV1 sequence header says, before anything is decoded. */
typedef struct {
  int width, height, depth, layout;
  int matrix, is_full_range;
  /* Memory that a frame takes, and how many of them at most. */
  int frame_bytes, frames;
} Header;

typedef struct {
  int width, height, depth, layout;
  int matrix, is_full_range;
  const void *planes[3];
  int strides[2];
} Frame;

enum {
  page_bytes = 65536,
  /* The one that is shown, and its copy with grain. */
  max_frames = 2,
};

static Header header;
static Frame frame;
static Dav1dContext *context;
static Dav1dPicture picture;

static size_t frame_bytes;
static int frame_count;
static void *memory[max_frames];
static int is_taken[max_frames];
static int decoded;

/* Takes whole pages, for good. zig's malloc would round up to a power of two. */
EXPORT("malloc") void *take_pages(size_t bytes) {
  const size_t at = __builtin_wasm_memory_grow(0, (bytes + page_bytes - 1) / page_bytes);
  return at == (size_t)-1 ? 0 : (void *)(at * page_bytes);
}

/* Rows a power of two apart would fall into the same places of the processor's cache. */
static ptrdiff_t spread(ptrdiff_t stride) {
  return stride & 1023 ? stride : stride + DAV1D_PICTURE_ALIGNMENT;
}

/*
 * Rows and planes as Dav1dPicAllocator asks for them: sides of whole 128s, and padding. Returns what
 * a frame takes in all, which may be more than an address can hold.
 */
static uint64_t lay_out(const Dav1dPictureParameters *p, ptrdiff_t strides[2], uint64_t sizes[2]) {
  const int has_chroma = p->layout != DAV1D_PIXEL_LAYOUT_I400;
  const int halves_columns = p->layout != DAV1D_PIXEL_LAYOUT_I444;
  const int halves_rows = p->layout == DAV1D_PIXEL_LAYOUT_I420;
  const uint64_t height = (p->h + 127) & ~127;
  const ptrdiff_t row = ((p->w + 127) & ~127) << (p->bpc > 8);
  strides[0] = spread(row);
  strides[1] = has_chroma ? spread(row >> halves_columns) : 0;
  sizes[0] = strides[0] * height;
  sizes[1] = strides[1] * (height >> halves_rows);
  return sizes[0] + 2 * sizes[1] + DAV1D_PICTURE_ALIGNMENT;
}

static int take_frame(Dav1dPicture *p, void *cookie) {
  uint64_t sizes[2];
  if (lay_out(&p->p, p->stride, sizes) > frame_bytes) return DAV1D_ERR(EINVAL);
  /* Hidden frames: they could keep a decoder busy for hours, and no image is made of several. */
  if (++decoded > frame_count) return DAV1D_ERR(EINVAL);
  for (int i = 0; i < frame_count && i < max_frames; i++) {
    if (is_taken[i]) continue;
    if (!memory[i]) memory[i] = take_pages(frame_bytes);
    if (!memory[i]) break;
    is_taken[i] = 1;
    p->data[0] = memory[i];
    p->data[1] = sizes[1] ? (char *)p->data[0] + sizes[0] : 0;
    p->data[2] = sizes[1] ? (char *)p->data[1] + sizes[1] : 0;
    p->allocator_data = &is_taken[i];
    return 0;
  }
  return DAV1D_ERR(ENOMEM);
}

static void release_frame(Dav1dPicture *p, void *cookie) { *(int *)p->allocator_data = 0; }

/* Reads the sequence header in an item's data. */
EXPORT("readHeader") const Header *read_header(const uint8_t *data, size_t length) {
  Dav1dSequenceHeader sequence;
  if (dav1d_parse_sequence_header(&sequence, data, length)) return 0;
  const Dav1dPictureParameters p = {
    .w = sequence.max_width,
    .h = sequence.max_height,
    .bpc = 8 + 2 * sequence.hbd,
    .layout = sequence.layout,
  };
  ptrdiff_t strides[2];
  uint64_t sizes[2];
  const uint64_t bytes = lay_out(&p, strides, sizes);
  header = (Header){
    p.w, p.h, p.bpc, p.layout, sequence.mtrx, sequence.color_range,
    bytes < INT32_MAX ? bytes : INT32_MAX,
    1 + sequence.film_grain_present,
  };
  return &header;
}

static void keep(const uint8_t *data, void *cookie) {}

static int open_context(void) {
  Dav1dSettings settings;
  dav1d_default_settings(&settings);
  settings.n_threads = 1;
  settings.max_frame_delay = 1;
  settings.all_layers = 0;
  settings.allocator = (Dav1dPicAllocator){0, take_frame, release_frame};
  return dav1d_open(&context, &settings);
}

/*
 * Decodes an item's data to its first image, which stays until the next one; so must the data.
 * Returns 0 for data that is broken, or has frames of more than `bytes`, or needs more than `count`
 * of them at a time. Both have to be the same each time.
 */
EXPORT("decode") const Frame *decode(
  const uint8_t *data, size_t length, size_t bytes, int count
) {
  frame_bytes = bytes;
  frame_count = count;
  if (!context && open_context()) return 0;
  dav1d_picture_unref(&picture);
  dav1d_flush(context);
  decoded = 0;
  Dav1dData rest = {0};
  if (dav1d_data_wrap(&rest, data, length, keep, 0)) return 0;
  int status = DAV1D_ERR(EAGAIN);
  while (status == DAV1D_ERR(EAGAIN)) {
    const int had_all = rest.sz == 0;
    if (!had_all) {
      const int sent = dav1d_send_data(context, &rest);
      if (sent && sent != DAV1D_ERR(EAGAIN)) return 0;
    }
    status = dav1d_get_picture(context, &picture);
    if (had_all) break;
  }
  if (status) return 0;
  frame = (Frame){
    picture.p.w, picture.p.h, picture.p.bpc, picture.p.layout,
    picture.seq_hdr->mtrx, picture.seq_hdr->color_range,
    {picture.data[0], picture.data[1], picture.data[2]},
    {picture.stride[0], picture.stride[1]},
  };
  return &frame;
}

EXPORT("version") int version(void) {
  /* As in 0x010403 for 1.4.3. */
  int numbers[3] = {0};
  int part = 0;
  for (const char *at = dav1d_version(); *at && part < 3; at++) {
    if (*at == '.') part++;
    else numbers[part] = numbers[part] * 10 + *at - '0';
  }
  return numbers[0] << 16 | numbers[1] << 8 | numbers[2];
}
