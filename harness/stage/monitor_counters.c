/* Where a sync carries IPSEC_REPLAY_COUNTER_SYNC: the peer's numbers jump. */
#include "stage/monitor_parts.h"
#include "stage/packet_esp.h"

/* The request that this answer is one to, with its delta; NULL: none, or it has no delta. */
static const struct wire_notify *delta_asked_for(const struct monitor *m, const struct wire_packet *answer,
                                                 const struct message_id_sync *sync)
{
    struct message_id_sync sent;
    FOR_EACH_WITH (q, m, said, hash_of_said(answer, !answer->from_peer, false))
        if (asks_for(q, answer) && packet_sync(q, &sent) &&
            memcmp(sent.nonce, sync->nonce, sizeof sent.nonce) == 0)
            return packet_notify(q, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC);
    return NULL;
}

/* A request that comes again is answered again, and moves nothing. */
static bool was_learned(const struct watched_sa *sa, const uint8_t nonce[4])
{
    for (unsigned i = 0; i < MONITOR_MAX_DELTAS && i < sa->n_deltas; i++)
        if (memcmp(sa->deltas[i].nonce, nonce, sizeof sa->deltas[i].nonce) == 0)
            return true;
    return false;
}

void learn_delta(struct monitor *m, const struct wire_packet *p)
{
    struct message_id_sync sync;
    struct watched_delta d = {.answer = p, .at = m->record->at};
    struct watched_sa *sa = sa_of(m, p);
    if (!sa || !ike_is_response(&p->header) || !packet_sync(p, &sync) || was_learned(sa, sync.nonce))
        return;
    memcpy(d.nonce, sync.nonce, sizeof d.nonce);
    const struct wire_notify *n = delta_asked_for(m, p, &sync);
    d.wide = n && n->data.len == sizeof d.delta;
    if (n && read_replay_counter_sync(n, d.wide, &d.delta, NULL))
        sa->deltas[sa->n_deltas++ % MONITOR_MAX_DELTAS] = d;
}

/* Of all answers since the packet `q` (NULL: from the beginning); those that do not fit the SA, or are older
 * than it, are not owed. */
static uint64_t sum_of_deltas(const struct watched_sa *sa, const struct watched_esp *esp,
                              const struct wire_packet *q, const struct wire_packet **last)
{
    uint64_t left = (esp->keys.esn ? UINT64_MAX : UINT32_MAX) - (q ? q->esp->seq : 0), sum = 0;
    for (unsigned i = 0; i < MONITOR_MAX_DELTAS && i < sa->n_deltas; i++) {
        const struct watched_delta *d = &sa->deltas[i];
        if ((q && d->answer->number < q->number) || d->at < esp->up_at || d->wide != esp->keys.esn ||
            d->delta >= left - sum)
            continue;
        sum += d->delta;
        *last = d->answer;
    }
    return sum;
}

/* RPL-1. On a link that reorders, what was sent before the answer may come behind it. */
void judge_jump(struct monitor *m, const struct wire_packet *p, const struct wire_packet *q)
{
    const struct watched_esp *esp = p->esp->sa;
    const struct wire_packet *answer = NULL;
    if (!esp->replay_sync || m->view->lossy)
        return;
    for (size_t i = 0; i < m->view->n_keys; i++) {
        if (memcmp(m->view->keys[i].spi_i, esp->ike_spi_i, IKE_SPI_LEN) != 0)
            continue;
        uint64_t before = q ? q->esp->seq : 0;
        uint64_t sum = sum_of_deltas(&m->sas[i], esp, q, &answer);
        if (sum > 0 && p->esp->seq <= before + sum)
            monitor_found(m, "RPL-1", p, answer,
                          "behind a delta that was answered the numbers are higher by it",
                          "packet %u has number %llu on SA %08x, which had %llu; the delta is %llu",
                          p->number, (unsigned long long)p->esp->seq, p->esp->spi, (unsigned long long)before,
                          (unsigned long long)sum);
    }
}
