// Little CMS without files, clocks and messages, of which it needs none here: included before each of its
// sources, so that none of a C library's input and output comes into the program.
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define fopen(path, mode) ((FILE *)0)
#define fclose(file) 0
#define fread(to, size, count, file) 0
#define fwrite(from, size, count, file) 0
#define fseek(file, at, from) (-1)
#define ftell(file) (-1)
static struct tm no_time;
#define gmtime(time) (&no_time)
#define time(at) 0
#define vsnprintf(to, size, format, rest) (*(to) = 0)
#define snprintf(to, ...) (*(to) = 0)
