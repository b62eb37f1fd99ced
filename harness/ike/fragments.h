/* Fragments on their way to becoming a message again (RFC 7383 2.6).
 *
 * What comes in has passed its integrity check, so only the other side of an IKE SA can fill this up; it is
 * bounded all the same. One set of assemblies may hold messages of several IKE SAs and directions. */
#ifndef IKE_FRAGMENTS_H
#define IKE_FRAGMENTS_H

#include "base/clock.h"
#include "ike/protect.h"

enum {
    FRAGMENTS_MAX = 512, /* of one message; a larger total is refused */
    ASSEMBLIES_MAX = 8,  /* messages at a time; a further one takes the place of the oldest */
    ASSEMBLY_AGE_S = 30, /* a message that is not complete by then is forgotten */
};

struct assembly; /* one message */

struct assemblies {
    struct assembly *list; /* oldest first */
};

/* A message that is complete. `octets` is all its fragments, in order of their numbers: the same message
 * sent again is the same octets. The caller frees both. */
struct assembled {
    struct ike_opened *opened; /* header of the last fragment that came; number and total are 0 */
    uint8_t *octets;
    size_t len;
};

enum fragment_fate {
    FRAGMENT_KEPT,     /* others are missing */
    FRAGMENT_COMPLETE, /* `out` is filled in */
    FRAGMENT_REPEATED, /* this one is here already */
    FRAGMENT_STALE,    /* of a division into fewer fragments than another one that has begun */
    FRAGMENT_REFUSED,  /* too many, too long, or memory is out */
};

/* Takes `fragment` over in any case; `message` is what it was opened from. */
enum fragment_fate assemblies_add(struct assemblies *a, struct ike_opened *fragment, struct octets message,
                                  int64_t now_us, struct assembled *out);

/* The message with this header came whole: what is here of it is not needed any more (RFC 7383 2.6). */
void assemblies_forget(struct assemblies *a, const struct ike_header *h);

void assemblies_clear(struct assemblies *a);

/* Octets that are kept. */
size_t assemblies_memory(const struct assemblies *a);

const char *fragment_fate_text(enum fragment_fate fate);

#endif
