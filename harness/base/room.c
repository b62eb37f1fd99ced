#include "base/room.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

struct room room_over(void *at, size_t size)
{
    ASAN_POISON_MEMORY_REGION(at, size);
    return (struct room){.begin = at, .size = size};
}

void *room_take(struct room *r, size_t size)
{
    if (size >= r->size || room_for(size) > r->size - r->used)
        return NULL;
    void *part = r->begin + r->used;
    r->used += room_for(size);
    ASAN_UNPOISON_MEMORY_REGION(part, size);
    return part;
}

void room_untake(struct room *r, void *part)
{
    r->used = (size_t)((uint8_t *)part - r->begin);
    ASAN_POISON_MEMORY_REGION(part, r->size - r->used);
}
