#include "ike/fragments.h"

#include <stdlib.h>

struct part {
    struct ike_opened *opened;
    uint8_t *octets; /* as they came */
    size_t len;
};

struct assembly {
    struct assembly *next;
    struct ike_header header; /* SPIs, exchange, flags and Message ID tell which message it is */
    int64_t begun_us;
    uint16_t total, n_parts;
    size_t inner_len, octets_len;
    struct part parts[]; /* `total` of them, by number */
};

static bool same_message(const struct ike_header *a, const struct ike_header *b)
{
    return ike_header_has_spis(a, b->spi_i, b->spi_r) && a->exchange == b->exchange && a->flags == b->flags &&
           a->message_id == b->message_id;
}

static void wipe(void *at, size_t len)
{
    if (at != NULL)
        crypto_wipe(at, len);
    free(at);
}

static void part_clear(struct part *p)
{
    if (p->opened != NULL)
        wipe(p->opened, sizeof *p->opened + p->opened->inner.len);
    free(p->octets);
    *p = (struct part){0};
}

static void assembly_free(struct assembly *m)
{
    for (uint16_t i = 0; i < m->total; i++)
        part_clear(&m->parts[i]);
    free(m);
}

static struct assembly **place_of(struct assemblies *a, const struct ike_header *h)
{
    struct assembly **at = &a->list;
    while (*at != NULL && !same_message(&(*at)->header, h))
        at = &(*at)->next;
    return at;
}

static void remove_at(struct assembly **at)
{
    struct assembly *m = *at;
    if (m == NULL)
        return;
    *at = m->next;
    assembly_free(m);
}

/* The oldest stand first. */
static void make_room(struct assemblies *a, int64_t now_us)
{
    size_t n = 0;
    for (const struct assembly *m = a->list; m != NULL; m = m->next)
        n++;
    for (; a->list != NULL; n--) {
        if (n < ASSEMBLIES_MAX && now_us - a->list->begun_us < CLOCK_MS(1000) * ASSEMBLY_AGE_S)
            return;
        remove_at(&a->list);
    }
}

static struct assembly *begin(struct assemblies *a, const struct ike_opened *fragment, int64_t now_us)
{
    make_room(a, now_us);
    struct assembly **end = &a->list;
    while (*end != NULL)
        end = &(*end)->next;
    struct assembly *m = calloc(1, sizeof *m + fragment->total * sizeof m->parts[0]);
    if (m == NULL)
        return NULL;
    m->header = fragment->header;
    m->total = fragment->total;
    m->begun_us = now_us;
    *end = m;
    return m;
}

static bool complete(const struct assembly *m, const struct ike_header *last, struct assembled *out)
{
    out->opened = calloc(1, sizeof *out->opened + m->inner_len);
    out->octets = malloc(m->octets_len);
    out->len = 0;
    if (out->opened == NULL || out->octets == NULL) {
        free(out->opened);
        free(out->octets);
        return false;
    }
    size_t inner_len = 0;
    for (uint16_t i = 0; i < m->total; i++) {
        const struct part *p = &m->parts[i];
        memcpy(out->octets + out->len, p->octets, p->len);
        out->len += p->len;
        memcpy(out->opened->plain + inner_len, p->opened->inner.at, p->opened->inner.len);
        inner_len += p->opened->inner.len;
    }
    out->opened->header = *last;
    out->opened->first = m->parts[0].opened->first;
    out->opened->inner = octets_of(out->opened->plain, inner_len);
    return true;
}

/* All messages of RFC 6311 have Message ID 0: another fragment with a number that is here belongs to a later
 * one. */
static bool is_of_another(const struct assembly *m, const struct ike_opened *f, struct octets message)
{
    const struct part *p = &m->parts[f->number - 1];
    return p->opened != NULL && !octets_equal(octets_of(p->octets, p->len), message);
}

/* What is kept is taken out of `fragment`. */
static enum fragment_fate keep(struct assemblies *a, struct assembly *m, struct ike_opened **fragment,
                               struct octets message, struct assembled *out)
{
    const struct ike_header last = (*fragment)->header;
    struct part *p = &m->parts[(*fragment)->number - 1];
    if (p->opened != NULL)
        return FRAGMENT_REPEATED;
    if (m->inner_len + (*fragment)->inner.len > IKE_MAX_MESSAGE)
        return FRAGMENT_REFUSED;
    p->octets = octets_copy(message);
    if (p->octets == NULL)
        return FRAGMENT_REFUSED;
    p->len = message.len;
    p->opened = *fragment;
    *fragment = NULL;
    m->inner_len += p->opened->inner.len;
    m->octets_len += message.len;
    if (++m->n_parts < m->total)
        return FRAGMENT_KEPT;
    bool done = complete(m, &last, out);
    remove_at(place_of(a, &last));
    return done ? FRAGMENT_COMPLETE : FRAGMENT_REFUSED;
}

/* RFC 7383 2.6: a larger total is a new division of the message, for a path that takes smaller packets; what
 * is left of the old one is dropped. */
static enum fragment_fate add(struct assemblies *a, struct ike_opened **fragment, struct octets message,
                              int64_t now_us, struct assembled *out)
{
    const struct ike_opened *f = *fragment;
    struct assembly **at = place_of(a, &f->header);
    if (f->total == 0 || f->total > FRAGMENTS_MAX)
        return FRAGMENT_REFUSED;
    if (*at != NULL && f->total < (*at)->total)
        return FRAGMENT_STALE;
    if (*at != NULL && (f->total > (*at)->total || is_of_another(*at, f, message)))
        remove_at(at);
    struct assembly *m = *place_of(a, &f->header);
    if (m == NULL)
        m = begin(a, f, now_us);
    return m != NULL ? keep(a, m, fragment, message, out) : FRAGMENT_REFUSED;
}

enum fragment_fate assemblies_add(struct assemblies *a, struct ike_opened *fragment, struct octets message,
                                  int64_t now_us, struct assembled *out)
{
    *out = (struct assembled){0};
    enum fragment_fate fate = add(a, &fragment, message, now_us, out);
    free(fragment);
    return fate;
}

void assemblies_forget(struct assemblies *a, const struct ike_header *h)
{
    remove_at(place_of(a, h));
}

void assemblies_clear(struct assemblies *a)
{
    while (a->list != NULL)
        remove_at(&a->list);
}

size_t assemblies_memory(const struct assemblies *a)
{
    size_t sum = 0;
    for (const struct assembly *m = a->list; m != NULL; m = m->next)
        sum += sizeof *m + m->total * sizeof m->parts[0] + m->octets_len + m->inner_len +
               m->n_parts * sizeof(struct ike_opened);
    return sum;
}

const char *fragment_fate_text(enum fragment_fate fate)
{
    switch (fate) {
    case FRAGMENT_KEPT:
        return "others are missing";
    case FRAGMENT_COMPLETE:
        return "the message is complete";
    case FRAGMENT_REPEATED:
        return "it is here already";
    case FRAGMENT_STALE:
        return "the message is being sent in more fragments";
    case FRAGMENT_REFUSED:
        return "too many, or too long";
    }
    return "";
}
