/* Rules of the peer's own requests, one by one: how many at once, and under which IDs.
 *
 * An ID counts when its request is seen first; who repeats a request uses no new one. A sync makes the peer
 * go on elsewhere: where its answer said (P2), or where the cluster answered the peer's own sync (M2). What
 * was outstanding then is passed over. */
#include "stage/monitor_parts.h"

enum { REMEMBERED = 64 }; /* IDs from the base on; no window of the cluster's is larger */

/* --- learning ------------------------------------------------------------------------------------ */

static void add_start(struct watched_sa *sa, uint64_t id)
{
    sa->starts[sa->n_starts++ % MONITOR_MAX_STARTS] = id;
}

/* On a link that loses, the very first request there may be one that nobody saw. */
static bool is_start(const struct monitor *m, const struct watched_sa *sa, uint64_t id)
{
    for (unsigned i = 0; i < sa->n_starts && i < MONITOR_MAX_STARTS; i++)
        if (sa->starts[i] == id || (m->view->lossy && sa->starts[i] < id))
            return id >= sa->next;
    return false;
}

static void start_at(struct watched_sa *sa, uint64_t id)
{
    sa->base = sa->next = id;
    sa->used = sa->answered = 0;
}

static void pass_answered(struct watched_sa *sa)
{
    while ((sa->used & sa->answered & 1) != 0) {
        sa->used >>= 1;
        sa->answered >>= 1;
        sa->base++;
    }
}

static void learn_answer(struct watched_sa *sa, uint32_t id)
{
    if (id < sa->base || id - sa->base >= REMEMBERED)
        return;
    sa->answered |= UINT64_C(1) << (id - sa->base);
    pass_answered(sa);
}

/* RFC 7296 2.3: it holds from the message on that says so, for this IKE SA. */
static void learn_size(struct watched_sa *sa, const struct wire_packet *p)
{
    const struct wire_notify *n = packet_notify(p, NOTIFY_SET_WINDOW_SIZE);
    struct reader r = reader_over(n ? n->data : octets_of(NULL, 0));
    uint32_t size;
    if (n && read_u32(&r, &size) && size > 0)
        sa->window = size;
}

static void learn_sync(struct watched_sa *sa, const struct wire_packet *p, const struct message_id_sync *sync)
{
    if (ike_is_response(&p->header)) {
        add_start(sa, sync->expected_recv);
        return;
    }
    if (p->copy_of)
        return;
    sa->promised = false;
    memcpy(sa->nonce, sync->nonce, sizeof sa->nonce);
    /* The answer may have been lost before it was seen, or have no form that can be read (FMT): the peer may
     * go on by it all the same. */
    add_start(sa, sync->expected_recv > sa->next ? sync->expected_recv : sa->next);
}

/* A request where a sync stands, and none that can be read. */
static bool is_odd_sync(const struct wire_packet *p)
{
    struct message_id_sync sync;
    return packet_is(p, p->from_peer, false, EXCHANGE_INFORMATIONAL) && p->header.message_id == 0 &&
           !packet_sync(p, &sync);
}

void learn_of_cluster(struct monitor *m, const struct wire_packet *p)
{
    struct watched_sa *sa = sa_of(m, p);
    struct message_id_sync sync;
    if (!sa || !p->number || !p->opened)
        return;
    if (sa->asked_late && !ike_is_response(&p->header)) {
        sa->asked_late = false;
        sa->first_asked = p->header.message_id;
    }
    learn_size(sa, p);
    sa->odd_sync = sa->odd_sync || is_odd_sync(p);
    if (packet_sync(p, &sync))
        learn_sync(sa, p, &sync);
    else if (ike_is_response(&p->header))
        learn_answer(sa, p->header.message_id);
}

void learn_of_peer(struct monitor *m, const struct wire_packet *p)
{
    struct watched_sa *sa = sa_of(m, p);
    struct message_id_sync sync;
    if (!sa || !ike_is_response(&p->header) || !packet_sync(p, &sync) ||
        (!sa->odd_sync && memcmp(sync.nonce, sa->nonce, sizeof sa->nonce) != 0))
        return;
    sa->promised = true;
    sa->p2 = sync.expected_send;
    add_start(sa, sync.expected_send);
}

/* --- judging ------------------------------------------------------------------------------------- */

static void use(struct watched_sa *sa, uint64_t id)
{
    if (id - sa->base < REMEMBERED)
        sa->used |= UINT64_C(1) << (id - sa->base);
    if (id >= sa->next)
        sa->next = id + 1;
    pass_answered(sa);
}

/* IKE-10: IDs rise by one. On a link that loses, those between may be on their way, as far as the window is.
 */
static bool skips(const struct monitor *m, const struct watched_sa *sa, uint64_t id)
{
    return id > sa->next && !(m->view->lossy && id - sa->base < sa->window);
}

/* IKE-9: a request waits for the answers to all those a window below it. */
static bool exceeds(const struct watched_sa *sa, uint64_t id)
{
    return id - sa->base >= sa->window && (sa->used & ~sa->answered & 1) != 0;
}

static bool is_new_request(const struct watched_sa *sa, const struct wire_packet *p)
{
    uint32_t id = p->header.message_id;
    if (ike_is_response(&p->header) || p->copy_of || !p->opened ||
        packet_notify(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC) || id < sa->base)
        return false;
    return id - sa->base >= REMEMBERED || (sa->used >> (id - sa->base) & 1) == 0;
}

void judge_own_request(struct monitor *m, const struct wire_packet *p)
{
    struct watched_sa *sa = sa_of(m, p);
    uint32_t id = p->header.message_id;
    if (!sa || !is_new_request(sa, p))
        return;
    if (sa->late)
        start_at(sa, id); /* what came before is not known */
    sa->late = false;
    if (p->header.exchange == EXCHANGE_IKE_AUTH && sa->next == 0)
        start_at(sa, 1); /* its IKE_SA_INIT had ID 0, when the IKE SA had no keys yet */
    bool below = sa->promised && id < sa->p2;
    if (below && !m->view->lossy)
        monitor_found(m, "SYNC-7", p, NULL, "after a sync the peer's own requests have IDs from P2 on",
                      "packet %u has ID %u, P2 is %llu", p->number, id, (unsigned long long)sa->p2);
    if (below) {
        start_at(sa, id); /* the sync passed over what was outstanding, whatever the peer makes of it */
    } else if (is_start(m, sa, id)) {
        start_at(sa, id);
        sa->n_starts = 0;
    } else if (skips(m, sa, id)) {
        monitor_found(m, "IKE-10", p, NULL, "the IDs of the peer's own requests rise by one",
                      "packet %u has ID %u, and no request had ID %llu", p->number, id,
                      (unsigned long long)sa->next);
        start_at(sa, id);
    } else if (exceeds(sa, id)) {
        monitor_found(m, "IKE-9", p, NULL, "no more requests at once than the cluster's window allows",
                      "packet %u has ID %u, the window is %u, and ID %llu is not answered", p->number, id,
                      sa->window, (unsigned long long)sa->base);
    }
    use(sa, id);
}
