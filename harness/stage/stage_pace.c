/* How quick the peer is, and how long it is waited for what it does of itself. */
#include "stage/stage_parts.h"
#include "stage/traffic.h"

enum {
    LOOK_BACK = 32, /* packets, for what an answer answers */
    MOST_MS = 50,   /* a peer that once took its time must not make every later silence long */
};

/* --- measured ------------------------------------------------------------------------------------ */

static bool is_establishing(const struct wire_packet *p)
{
    return p->header.exchange == EXCHANGE_IKE_SA_INIT || p->header.exchange == EXCHANGE_IKE_AUTH;
}

/* A peer that initiates takes our IKE_SA_INIT response for what its IKE_AUTH request needs. */
static bool is_begun_by(const struct wire_packet *p, const struct wire_packet *ours)
{
    if (memcmp(p->header.spi_i, ours->header.spi_i, sizeof p->header.spi_i) != 0)
        return false;
    if (ike_is_response(&p->header))
        return packet_is(ours, false, false, p->header.exchange) &&
               p->header.message_id == ours->header.message_id;
    return p->header.exchange == EXCHANGE_IKE_AUTH && packet_is(ours, false, true, EXCHANGE_IKE_SA_INIT);
}

static bool is_echo(const struct wire_packet *p, enum inner_kind kind)
{
    return p->esp && p->esp->readable && p->esp->inner.kind == kind;
}

static bool is_echoed_by(const struct wire_packet *p, const struct wire_packet *ours)
{
    return !ours->from_peer && is_echo(ours, INNER_ECHO_REQUEST) && ours->esp->inner.a == p->esp->inner.a &&
           ours->esp->inner.b == p->esp->inner.b;
}

/* NULL: none, or one that went out more than once, so that nobody knows which of them was answered. */
static const struct wire_packet *what_began(const struct stage *stage, const struct wire_packet *p,
                                            bool (*began)(const struct wire_packet *p,
                                                          const struct wire_packet *ours))
{
    size_t least = stage->n_wire > LOOK_BACK ? stage->n_wire - LOOK_BACK : 0;
    for (size_t i = stage->n_wire; i-- > least;)
        if (stage->wire[i]->number && began(p, stage->wire[i]))
            return stage->wire[i]->copy_of ? NULL : stage->wire[i];
    return NULL;
}

/* What took long once is forgotten by halves. */
static int64_t lately(int64_t took, int64_t before, int64_t least)
{
    return clock_later(clock_later(took, before / 2), clock_later(least, CLOCK_MS(1)));
}

void measure_round_trip(struct stage *stage, const struct wire_packet *p, int64_t lay_us)
{
    bool echo = is_echo(p, INNER_ECHO_REPLY);
    if ((!p->readable && !echo) || p->copy_of || p->by_filter)
        return;
    const struct wire_packet *ours = what_began(stage, p, echo ? is_echoed_by : is_begun_by);
    if (!ours)
        return;
    int64_t took = p->at_us - lay_us - ours->at_us;
    took = clock_later(clock_earlier(took, CLOCK_MS(MOST_MS)), 0);
    if (echo) {
        stage->echo_us = lately(took, stage->echo_us, 0);
        return;
    }
    if (is_establishing(p))
        stage->establishing_us = stage->establishing_us ? clock_earlier(took, stage->establishing_us) : took;
    /* But never below the quickest answer that took a peer some work: what it does of itself may take as
     * much. */
    stage->round_trip_us = lately(took, stage->round_trip_us, stage->establishing_us);
}

/* --- waited -------------------------------------------------------------------------------------- */

static int64_t grace_after(const struct stage *stage, int64_t round_trip_us)
{
    int64_t grace = STAGE_GRACE_ROUND_TRIPS * round_trip_us;
    return link_is_lossy(stage) ? grace + CLOCK_MS(40) : grace;
}

int64_t grace_us(const struct stage *stage)
{
    return grace_after(stage, stage->round_trip_us);
}

void wait_out_grace(struct stage *stage)
{
    pump_since_last(stage, grace_us(stage));
}

void wait_out_echoes(struct stage *stage)
{
    pump_since_last(stage, grace_after(stage, stage->echo_us ? stage->echo_us : stage->round_trip_us));
}

/* Where messages get lost, the other side repeats until it is content: one cannot see it, only wait it out.
 */
void settle(struct stage *stage)
{
    if (link_is_lossy(stage))
        pump_for(stage, CLOCK_MS(12000));
    else
        wait_out_grace(stage);
}
