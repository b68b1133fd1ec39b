// Memory for a decoder that is started once and decodes one image at a time: taken from the end of
// what is used, and given back as a whole before the next image.

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))

/* Forgets all that was allocated. The memory stays, for WebAssembly cannot give it back. */
void reset_arena(void);

/* 32 bytes aligned, as SIMD code asks for; 0 where the program's maximum is reached. */
void *allocate(size_t bytes);
