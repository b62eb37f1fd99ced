#include "net/lossy.h"

#include <stdlib.h>

/* One direction. It draws from a source of its own and always three times per datagram, so that neither the
 * traffic of the other direction nor the other rates change what happens to the nth datagram. */
struct lane {
    struct random_source random;
    bool holding;
    struct datagram held;
    int64_t held_until_us;
};

enum { READY_MAX = 3 }; /* a datagram, its duplicate, and one that was held back */

struct lossy_link {
    struct link link;
    struct link *inner;
    struct lossy_rates rates;
    struct lane out, in;
    struct datagram ready[READY_MAX]; /* received, to be handed out in this order */
    size_t n_ready;
};

struct fate {
    bool lost, duplicated, held;
};

static struct lossy_link *lossy_of(struct link *link)
{
    return (struct lossy_link *)link;
}

static struct fate draw(struct lane *lane, const struct lossy_rates *rates)
{
    uint32_t lose = random_below(&lane->random, 100);
    uint32_t duplicate = random_below(&lane->random, 100);
    uint32_t reorder = random_below(&lane->random, 100);
    return (struct fate){
        .lost = lose < rates->lose_percent,
        .duplicated = duplicate < rates->duplicate_percent,
        .held = !lane->holding && reorder < rates->reorder_percent,
    };
}

static void hold(struct lossy_link *l, struct lane *lane, struct datagram d)
{
    lane->holding = true;
    lane->held = d;
    lane->held_until_us = link_now(l->inner) + l->rates.reorder_us;
}

static struct datagram let_go(struct lane *lane)
{
    lane->holding = false;
    return lane->held;
}

static int64_t lane_deadline(const struct lane *lane)
{
    return lane->holding ? lane->held_until_us : CLOCK_NEVER;
}

/* --- to the peer --------------------------------------------------------------------------------- */

static bool send_held(struct lossy_link *l, struct error *err)
{
    struct datagram d = let_go(&l->out);
    bool sent = link_send(l->inner, &d, err);
    datagram_clear(&d);
    return sent;
}

static bool lossy_send(struct link *link, const struct datagram *d, struct error *err)
{
    struct lossy_link *l = lossy_of(link);
    struct fate fate = draw(&l->out, &l->rates);
    if (fate.lost)
        return true;
    if (fate.held) {
        struct datagram copy;
        if (!datagram_copy(&copy, d))
            return fail(err, "memory is out");
        hold(l, &l->out, copy);
        return !fate.duplicated || link_send(l->inner, d, err);
    }
    if (!link_send(l->inner, d, err) || (fate.duplicated && !link_send(l->inner, d, err)))
        return false;
    return !l->out.holding || send_held(l, err);
}

/* --- from the peer ------------------------------------------------------------------------------- */

/* Takes the datagram over. */
static bool take_in(struct lossy_link *l, struct datagram d, struct error *err)
{
    struct fate fate = draw(&l->in, &l->rates);
    if (fate.lost) {
        datagram_clear(&d);
        return true;
    }
    struct datagram copy = {0};
    if (fate.duplicated && !datagram_copy(&copy, &d)) {
        datagram_clear(&d);
        return fail(err, "memory is out");
    }
    *(fate.held ? &d.by_filter : &copy.by_filter) = fate.duplicated; /* whichever arrives second */
    if (fate.held)
        hold(l, &l->in, d);
    else
        l->ready[l->n_ready++] = d;
    if (fate.duplicated)
        l->ready[l->n_ready++] = copy;
    if (!fate.held && l->in.holding)
        l->ready[l->n_ready++] = let_go(&l->in);
    return true;
}

static bool hand_out(struct lossy_link *l, struct datagram *out)
{
    if (l->n_ready == 0)
        return false;
    *out = l->ready[0];
    l->n_ready--;
    memmove(&l->ready[0], &l->ready[1], l->n_ready * sizeof l->ready[0]);
    return true;
}

/* Waits no longer than the first held datagram may be held: virtual time stops there too, so that it leaves
 * at its moment and not when the caller happens to look. */
static int lossy_receive(struct link *link, int64_t deadline_us, struct datagram *out, struct error *err)
{
    struct lossy_link *l = lossy_of(link);
    for (;;) {
        int64_t now_us = link_now(l->inner);
        if (lane_deadline(&l->out) <= now_us && !send_held(l, err))
            return -1;
        if (l->n_ready == 0 && lane_deadline(&l->in) <= now_us)
            l->ready[l->n_ready++] = let_go(&l->in);
        if (hand_out(l, out))
            return 1;

        int64_t until_us = clock_earlier(lane_deadline(&l->out), lane_deadline(&l->in));
        until_us = clock_earlier(until_us, deadline_us);
        struct datagram d;
        int got = link_receive(l->inner, until_us, &d, err);
        if (got < 0 || (got > 0 && !take_in(l, d, err)))
            return -1;
        bool woken = got == 0 && link_now(l->inner) < until_us;
        if (woken || (got == 0 && until_us >= deadline_us))
            return 0;
    }
}

/* --- the rest ------------------------------------------------------------------------------------ */

static int64_t lossy_now(struct link *link)
{
    return link_now(lossy_of(link)->inner);
}

static bool lossy_bind(struct link *link, const struct endpoint *want, struct endpoint *bound,
                       struct error *err)
{
    return link_bind(lossy_of(link)->inner, want, bound, err);
}

static bool lossy_bind_esp(struct link *link, const struct endpoint *address, struct error *err)
{
    return link_bind_esp(lossy_of(link)->inner, address, err);
}

static void lossy_close(struct link *link)
{
    struct lossy_link *l = lossy_of(link);
    for (size_t i = 0; i < l->n_ready; i++)
        datagram_clear(&l->ready[i]);
    if (l->in.holding)
        datagram_clear(&l->in.held);
    if (l->out.holding)
        datagram_clear(&l->out.held);
    link_close(l->inner);
    free(l);
}

static const struct link_ops lossy_ops = {
    .now_us = lossy_now,
    .send = lossy_send,
    .receive = lossy_receive,
    .bind = lossy_bind,
    .bind_esp = lossy_bind_esp,
    .close = lossy_close,
};

struct link *link_lossy_open(struct link *inner, const struct lossy_rates *rates, uint64_t seed)
{
    struct lossy_link *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->link.ops = &lossy_ops;
    l->inner = inner;
    l->rates = *rates;
    l->out.random = random_from_seed(random_derive_seed(seed, "to the peer"));
    l->in.random = random_from_seed(random_derive_seed(seed, "from the peer"));
    return &l->link;
}

struct link *link_lossy_inner(struct link *link)
{
    while (link->ops == &lossy_ops)
        link = lossy_of(link)->inner;
    return link;
}
