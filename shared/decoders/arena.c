#include "arena.h"

#include <stdlib.h>
#include <string.h>

enum { page_bytes = 65536, alignment = 32 };

extern uint8_t __heap_base;

/* Of blocks. What follows the last one is free. */
typedef struct Header {
  struct Header *before;
  size_t is_free;
  uint8_t padding[alignment - 2 * sizeof(size_t)];
} Header;

static uintptr_t top;
static Header *last;

void reset_arena(void) {
  top = ((uintptr_t)&__heap_base + alignment - 1) & -alignment;
  last = 0;
}

void *allocate(size_t bytes) {
  if (!top) reset_arena();
  const uint64_t end = (uint64_t)top + sizeof(Header) + (((uint64_t)bytes + alignment - 1) & -alignment);
  const uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) * page_bytes;
  if (end > UINT32_MAX) return 0;
  if (end > have) {
    const size_t pages = (end - have + page_bytes - 1) / page_bytes;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) return 0;
  }
  Header *header = (Header *)top;
  header->before = last;
  header->is_free = 0;
  last = header;
  top = end;
  return header + 1;
}

/* In place of the C library's, whose blocks grow to powers of two. */
void *malloc(size_t bytes) { return allocate(bytes); }

/* A block comes back when all after it are free: decoders free in about the order of a stack. */
void free(void *block) {
  if (!block) return;
  ((Header *)block - 1)->is_free = 1;
  while (last && last->is_free) {
    top = (uintptr_t)last;
    last = last->before;
  }
}

void *calloc(size_t count, size_t size) {
  const uint64_t bytes = (uint64_t)count * size;
  void *block = bytes > UINT32_MAX ? 0 : allocate(bytes);
  return block ? memset(block, 0, bytes) : 0;
}
