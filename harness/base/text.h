/* Texts that are put together in a buffer. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* Puts words behind the text that is in `out`; what does not fit is left out. */
void text_add(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
