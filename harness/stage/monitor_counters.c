/* Where a sync carries IPSEC_REPLAY_COUNTER_SYNC: the peer's numbers jump. */
#include "stage/monitor_parts.h"
#include "stage/packet_esp.h"

/* --- the deltas ---------------------------------------------------------------------------------- */

static struct watched_delta *delta_with(struct watched_sa *sa, const uint8_t nonce[4])
{
    for (unsigned i = 0; i < sa->n_deltas; i++)
        if (memcmp(sa->deltas[i].nonce, nonce, sizeof sa->deltas[i].nonce) == 0)
            return &sa->deltas[i];
    return NULL;
}

/* The oldest goes when there is no room, and before it what has no answer. */
static void add_delta(struct watched_sa *sa, const struct watched_delta *d)
{
    unsigned out = 0;
    if (sa->n_deltas == MONITOR_MAX_DELTAS) {
        for (unsigned i = MONITOR_MAX_DELTAS; i-- > 0;)
            out = sa->deltas[i].answer ? out : i;
        sa->n_deltas--;
        memmove(&sa->deltas[out], &sa->deltas[out + 1], (sa->n_deltas - out) * sizeof *d);
    }
    sa->deltas[sa->n_deltas++] = *d;
}

void learn_delta_asked(struct monitor *m, const struct wire_packet *p)
{
    struct message_id_sync sync;
    struct watched_delta d = {.request = p, .at = m->record->at};
    struct watched_sa *sa = sa_of(m, p);
    const struct wire_notify *n = packet_notify(p, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC);
    if (!sa || !n || !p->number || ike_is_response(&p->header) || !packet_sync(p, &sync) ||
        delta_with(sa, sync.nonce))
        return;
    memcpy(d.nonce, sync.nonce, sizeof d.nonce);
    d.wide = n->data.len == sizeof d.delta;
    if (read_replay_counter_sync(n, d.wide, &d.delta, NULL))
        add_delta(sa, &d);
}

/* A request that comes again is answered again, and moves nothing. */
void learn_delta(struct monitor *m, const struct wire_packet *p)
{
    struct message_id_sync sync;
    struct watched_sa *sa = sa_of(m, p);
    if (!sa || !ike_is_response(&p->header) || !packet_sync(p, &sync))
        return;
    struct watched_delta *d = delta_with(sa, sync.nonce);
    if (d && !d->answer)
        d->answer = p;
}

static const struct watched_sa *ike_sa_over(const struct monitor *m, const struct watched_esp *esp)
{
    for (size_t i = 0; i < m->view->n_keys; i++)
        if (memcmp(m->view->keys[i].spi_i, esp->ike_spi_i, IKE_SPI_LEN) == 0)
            return &m->sas[i];
    return NULL;
}

/* Is it owed on this SA? The peer may have made one that the cluster took up behind the request later than it
 * answered. */
static bool is_for(const struct watched_delta *d, const struct watched_esp *esp)
{
    return d->wide == esp->keys.esn && d->at >= esp->up_at;
}

/* --- before or behind the answer ----------------------------------------------------------------- */

/* Was it surely sent behind the answer? ESP and IKE may overtake each other: it was, when it answers what the
 * cluster sent once it had that answer, or comes when nothing can be on its way any more. */
static bool is_behind(const struct monitor *m, const struct wire_packet *p, const struct wire_packet *answer)
{
    return p->number > answer->number &&
           (p->at_us - answer->at_us >= MONITOR_ON_ITS_WAY_US || was_asked_behind(m, p, answer->number));
}

/* By an earlier packet on the same SA. */
static bool was_judged(const struct monitor *m, const struct wire_packet *p, const struct watched_delta *d)
{
    FOR_EACH_ON_ITS_SA (q, m, p) {
        if (q->number < d->answer->number)
            return false;
        if (q->esp->seq > q->esp->highest && is_behind(m, q, d->answer))
            return true;
    }
    return false;
}

/* The least that the number was when the delta came to it: what was seen before the request, and what was too
 * low behind it to have jumped. `least` is what came of the delta before. */
static uint64_t number_before(const struct monitor *m, const struct wire_packet *p,
                              const struct watched_delta *d, uint64_t least)
{
    uint64_t number;
    FOR_EACH_ON_ITS_SA (q, m, p)
        if (q->number < d->request->number) {
            least = q->esp->highest > least ? q->esp->highest : least;
            least = q->esp->seq > least ? q->esp->seq : least;
            break;
        }
    number = least;
    FOR_EACH_ON_ITS_SA (q, m, p) {
        if (q->number < d->request->number)
            break;
        if (q->esp->seq > number && (q->esp->seq <= least || q->esp->seq - least <= d->delta))
            number = q->esp->seq;
    }
    return number;
}

/* RPL-1 */
void judge_jump(struct monitor *m, const struct wire_packet *p)
{
    const struct watched_esp *esp = p->esp->sa;
    const struct watched_sa *sa = ike_sa_over(m, esp);
    const struct wire_packet *answer = NULL;
    uint64_t owed = 0, most = esp->keys.esn ? UINT64_MAX : UINT32_MAX, delta = 0;
    if (!sa || !esp->replay_sync || m->view->lossy || p->copy_of || p->esp->seq <= p->esp->highest)
        return;
    for (unsigned i = 0; i < sa->n_deltas; i++) {
        const struct watched_delta *d = &sa->deltas[i];
        if (!d->answer || !is_for(d, esp) || !is_behind(m, p, d->answer) || was_judged(m, p, d))
            continue;
        uint64_t before = number_before(m, p, d, owed);
        if (d->delta >= most - before) /* RPL-8 */
            continue;
        owed = before + d->delta;
        delta = d->delta;
        answer = d->answer;
    }
    if (delta > 0 && p->esp->seq <= owed)
        monitor_found(m, "RPL-1", p, answer, "behind a delta that was answered the numbers are higher by it",
                      "packet %u has number %llu on SA %08x, which had %llu; the delta is %llu", p->number,
                      (unsigned long long)p->esp->seq, p->esp->spi, (unsigned long long)(owed - delta),
                      (unsigned long long)delta);
}

uint64_t way_without_jumps(const struct monitor *m, const struct wire_packet *p)
{
    const struct watched_esp *esp = p->esp->sa;
    const struct watched_sa *sa = ike_sa_over(m, esp);
    uint64_t way = p->esp->highest - p->esp->seq;
    for (unsigned i = 0; sa && esp->replay_sync && i < sa->n_deltas; i++) {
        const struct watched_delta *d = &sa->deltas[i];
        if (is_for(d, esp) && way >= d->delta && !(d->answer && is_behind(m, p, d->answer)))
            way -= d->delta;
    }
    return way;
}
