/* Asks the processor for memory that is going to be needed, so that it is there by then. What is asked for
 * may be anything: nothing is read that shows. */
#ifndef BASE_FETCH_H
#define BASE_FETCH_H

#include <stddef.h>

static inline void fetch_ahead(const void *at, size_t len)
{
    enum { LINE = 64 }; /* octets that come at a time */
    for (size_t i = 0; i < len; i += LINE)
        __builtin_prefetch((const char *)at + i, 1);
}

#endif
