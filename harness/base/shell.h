/* Text for the shell of whoever reads it. */
#ifndef BASE_SHELL_H
#define BASE_SHELL_H

#include <stddef.h>

/* As one word. Cut when it does not fit, and then perhaps without its last quote. */
void shell_word(const char *text, char *out, size_t size);

#endif
