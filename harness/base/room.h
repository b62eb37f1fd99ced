/* Memory in one piece for the parts of a thing that is made and freed as a whole: one allocation for all of
 * them, and they lie beside each other. AddressSanitizer sees the gaps between the parts, as on the heap. */
#ifndef BASE_ROOM_H
#define BASE_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct room {
    uint8_t *begin; /* NULL: there is none */
    size_t size, used;
};

/* What a part of that size takes of it. */
enum { ROOM_ALIGN = 16 };
static inline size_t room_for(size_t size)
{
    return (size / ROOM_ALIGN + 1) * ROOM_ALIGN;
}

/* `at` is aligned as heap memory is, and the caller's to free. */
struct room room_over(void *at, size_t size);

/* NULL: it does not fit in. */
void *room_take(struct room *r, size_t size);

/* Gives the last part back that was taken. */
void room_untake(struct room *r, void *part);

static inline bool room_has(const struct room *r, const void *part)
{
    uintptr_t at = (uintptr_t)part, begin = (uintptr_t)r->begin;
    return begin && at >= begin && at - begin < r->size;
}

#endif
