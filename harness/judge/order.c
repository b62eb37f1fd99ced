#include "judge/judge_parts.h"

/* Frames of one moment that the capture may have taken up in the wrong order: nobody answers faster. */
static const int64_t SAME_MOMENT_US = 200;

static bool answers(const struct judge_packet *response, const struct judge_packet *request)
{
    const struct ike_header *a = header_of(response), *b = header_of(request);
    return !response->is_esp && !request->is_esp && ike_is_response(a) && !ike_is_response(b) &&
           response->from != request->from && a->message_id == b->message_id && a->exchange == b->exchange &&
           memcmp(a->spi_i, b->spi_i, sizeof a->spi_i) == 0;
}

static int64_t time_of(const struct judge_packet *p)
{
    return p->wire.at_us;
}

void order_add(struct order *o, struct judge_packet *p)
{
    size_t at = o->n;
    while (at > 0 && time_of(o->waiting[at - 1]) > time_of(p))
        at--;
    for (size_t i = at; i-- > 0 && time_of(p) - time_of(o->waiting[i]) <= SAME_MOMENT_US;)
        if (answers(o->waiting[i], p))
            at = i;
    memmove(&o->waiting[at + 1], &o->waiting[at], (o->n - at) * sizeof o->waiting[0]);
    o->waiting[at] = p;
    o->n++;
}

struct judge_packet *order_take(struct order *o, bool all)
{
    if (o->n == 0 || (!all && o->n <= ORDER_MAX))
        return NULL;
    struct judge_packet *first = o->waiting[0];
    o->n--;
    memmove(&o->waiting[0], &o->waiting[1], o->n * sizeof o->waiting[0]);
    return first;
}
