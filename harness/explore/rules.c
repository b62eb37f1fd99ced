/* What is judged while a schedule is played. The observer sees both ends, so it knows what the monitors
 * cannot: what a member knew, what arrived, and what has to be answered. */
#include <stdarg.h>
#include <stdio.h>

#include "explore/world.h"

void world_found(struct explore_world *w, const char *rule, enum explore_side side,
                 const struct explore_packet *p, const struct explore_packet *q, const char *format, ...)
{
    struct explore_finding *f = &w->finding;
    if (f->rule[0] || (w->looks_for && strcmp(w->looks_for, rule) != 0))
        return;
    *f = (struct explore_finding){.side = side, .packets = {p ? p->number : 0, q ? q->number : 0}};
    snprintf(f->rule, sizeof f->rule, "%s", rule);
    va_list args;
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

static enum explore_side other_side(enum explore_side side)
{
    return side == SIDE_MEMBER ? SIDE_PEER : SIDE_MEMBER;
}

/* The next packet of the IKE SA of `p` after `q` (NULL: the first one) and before `p`; NULL: there is none.
 */
static const struct explore_packet *next_before(const struct explore_world *w, const struct explore_packet *p,
                                                const struct explore_packet *q)
{
    for (q = q ? q + 1 : w->packets; q < p; q++)
        if (same_sa(q, p))
            return q;
    return NULL;
}

static bool is_response(const struct explore_packet *p)
{
    return ike_is_response(&p->wire.header);
}

static bool is_ordinary(const struct explore_packet *p)
{
    return p->wire.opened && !p->is_sync && !p->is_variant;
}

static uint32_t id_of(const struct explore_packet *p)
{
    return p->wire.header.message_id;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool info_of_sa(const struct explore_end *e, const struct explore_packet *p, struct ike_sa_info *out)
{
    uint32_t ids[16];
    struct ike_host *host = cluster_active(&e->peer->cluster)->host;
    unsigned n = ike_host_sas(host, ids, 16);
    for (unsigned i = 0; i < n && i < 16; i++)
        if (ike_sa_info(host, ids[i], out) && memcmp(out->spi_i, p->wire.header.spi_i, IKE_SPI_LEN) == 0 &&
            memcmp(out->spi_r, p->wire.header.spi_r, IKE_SPI_LEN) == 0)
            return true;
    return false;
}

/* Requests at once. One that a rekey made begins with 1 (RFC 7296 2.18). */
static unsigned window_of_sa(const struct explore_world *w, const struct explore_packet *p)
{
    const struct ike_snapshot *first = w->ends[p->from].session;
    return memcmp(first->spi_i, p->wire.header.spi_i, IKE_SPI_LEN) == 0 ? w->schedule->window : 1;
}

/* --- requests ------------------------------------------------------------------------------------ */

static void judge_request(struct explore_world *w, const struct explore_packet *p)
{
    struct ike_sa_info info;
    if (info_of_sa(&w->ends[p->from], p, &info) && info.unanswered > window_of_sa(w, p))
        world_found(w, "IKE-9", p->from, p, NULL, "%u requests are out, and the window is %u",
                    info.unanswered, window_of_sa(w, p));
    for (const struct explore_packet *q = next_before(w, p, NULL); q; q = next_before(w, p, q)) {
        if (q->from != p->from || q->wire.copy_of)
            continue;
        if (is_ordinary(q) && !is_response(q) && id_of(q) == id_of(p))
            world_found(w, "IKE-2", p->from, p, q, "Message ID %u is used for two requests under one key",
                        id_of(p));
        /* SYNC-7: P2 is what it goes on with. */
        if (q->is_sync && is_response(q) && id_of(p) < q->sync.expected_send)
            world_found(w, "SYNC-7", p->from, p, q, "it answered P2 = %u and asks with ID %u",
                        q->sync.expected_send, id_of(p));
    }
}

/* Did the member that proposes `p` know of the M1 of `q`, unless it was told nothing of it for a fault? */
static bool was_told(const struct explore_packet *p, const struct explore_packet *q)
{
    return !q->untold || q->epoch % REFERENCE_MEMBERS == p->epoch % REFERENCE_MEMBERS;
}

/* SYNC-1: M1 is above all that is known to be used. SYNC-2: and above what other members have proposed. */
static void judge_proposal(struct explore_world *w, struct explore_packet *p)
{
    struct ike_sa_info info;
    p->untold = cluster_active(&w->ends[p->from].peer->cluster)->m1_untold;
    bool own =
        end_info(&w->ends[p->from], &info) && memcmp(info.spi_i, p->wire.header.spi_i, IKE_SPI_LEN) == 0;
    if (own && p->sync.expected_send < info.next_send)
        world_found(w, "SYNC-1", p->from, p, NULL, "M1 = %u, and the member knows that ID %llu is used",
                    p->sync.expected_send, (unsigned long long)info.next_send - 1);
    for (const struct explore_packet *q = next_before(w, p, NULL); q; q = next_before(w, p, q)) {
        if (q->from == p->from && q->is_sync && !is_response(q) && !q->wire.copy_of && was_told(p, q) &&
            q->sync.expected_send >= p->sync.expected_send)
            world_found(w, q->epoch == p->epoch ? "SYNC-1" : "SYNC-2", p->from, p, q,
                        "M1 = %u was proposed before", p->sync.expected_send);
    }
    w->ends[p->from].sent = p->sync;
    w->ends[p->from].sent_any = true;
    w->ends[p->from].synced = false;
}

/* --- responses ----------------------------------------------------------------------------------- */

static void judge_response(struct explore_world *w, const struct explore_packet *p)
{
    for (const struct explore_packet *q = next_before(w, p, NULL); q; q = next_before(w, p, q)) {
        if (q->from != p->from || q->wire.copy_of || !is_response(q))
            continue;
        /* A member does not know what the failed one answered; one member has to. */
        if (is_ordinary(q) && id_of(q) == id_of(p) && q->epoch == p->epoch)
            world_found(w, "IKE-3", p->from, p, q, "request %u is answered twice, and differently", id_of(p));
        if (q->is_sync && id_of(p) < q->sync.expected_recv)
            world_found(w, "SYNC-8", p->from, p, q, "it answered M2 = %u, and processes request %u",
                        q->sync.expected_recv, id_of(p));
    }
}

static const struct explore_packet *request_with_nonce(const struct explore_world *w,
                                                       const struct explore_packet *p)
{
    for (const struct explore_packet *q = next_before(w, p, NULL); q; q = next_before(w, p, q)) {
        if (q->from != p->from && q->is_sync && !is_response(q) &&
            memcmp(q->sync.nonce, p->sync.nonce, sizeof q->sync.nonce) == 0)
            return q;
    }
    return NULL;
}

/* What a member has seen for certain when it sends `p`: requests that it answered, M1 that it answered. */
static int64_t seen_by_member(const struct explore_world *w, const struct explore_packet *p,
                              const struct explore_packet **by_sync)
{
    int64_t seen = -1;
    *by_sync = NULL;
    for (const struct explore_packet *q = next_before(w, p, NULL); q; q = next_before(w, p, q)) {
        if (q->from != p->from || q->epoch != p->epoch || !is_response(q) || q->wire.copy_of)
            continue;
        const struct explore_packet *asked = q->is_sync ? request_with_nonce(w, q) : NULL;
        int64_t id = asked ? asked->sync.expected_send : q->is_sync ? -1 : (int64_t)id_of(q);
        if (id <= seen)
            continue;
        seen = id;
        *by_sync = asked ? q : NULL;
    }
    return seen;
}

/* SEC-1: an old sync request is one that was sent before a later request that this member has answered. (One
 * of which the later member was not told may be above that request: nobody can tell that it is old.) */
static const struct explore_packet *later_request(const struct explore_world *w,
                                                  const struct explore_packet *answer,
                                                  const struct explore_packet *asked)
{
    for (const struct explore_packet *q = next_before(w, answer, NULL); q; q = next_before(w, answer, q)) {
        if (q->from != answer->from || q->epoch != answer->epoch || !is_response(q) || q->wire.copy_of ||
            !is_ordinary(q))
            continue;
        for (const struct explore_packet *r = asked + 1; r < q; r++)
            if (same_sa(r, q) && r->from != q->from && is_ordinary(r) && !is_response(r) &&
                id_of(r) == id_of(q) && !r->wire.copy_of && asked->sync.expected_send <= id_of(q))
                return q;
    }
    return NULL;
}

/* A sync of a failed member, of whose M1 the present one was not told, moves the counters beyond what that
 * will ever know of, unless it synchronizes again. */
static void note_overtaking(struct explore_end *e, const struct explore_packet *asked)
{
    if (asked->epoch == e->epoch)
        e->overtaken = false;
    else if (asked->untold && e->sent_any && asked->sync.expected_send > e->sent.expected_send)
        e->overtaken = true;
}

static void judge_answer(struct explore_world *w, const struct explore_packet *p)
{
    const struct explore_packet *asked = request_with_nonce(w, p), *by_sync, *later;
    if (!asked)
        return; /* FMT-4, of the monitors */
    note_overtaking(&w->ends[asked->from], asked);
    later = later_request(w, p, asked);
    if (later)
        world_found(w, "SEC-1", p->from, p, asked,
                    "an old sync request is answered after a later request (answered by #%u)", later->number);
    if (p->wire.copy_of)
        return;
    for (const struct explore_packet *q = next_before(w, p, NULL); q; q = next_before(w, p, q)) {
        if (q->from == p->from && q->epoch == p->epoch && q->is_sync && is_response(q) &&
            memcmp(q->sync.nonce, p->sync.nonce, sizeof q->sync.nonce) == 0)
            world_found(w, "SYNC-13", p->from, p, q, "a copy of the sync request gets another answer");
    }
    int64_t seen = seen_by_member(w, p, &by_sync);
    if ((int64_t)asked->sync.expected_send <= seen)
        world_found(w, by_sync && (int64_t)asked->sync.expected_send == seen ? "SYNC-4" : "SYNC-3", p->from,
                    p, asked, "M1 = %u is answered, and %lld was seen", asked->sync.expected_send,
                    (long long)seen);
    if (p->sync.expected_recv < larger(asked->sync.expected_send, (uint64_t)(seen + 1)))
        world_found(w, "SYNC-5", p->from, p, asked, "M2 = %u: M1 is %u, and %lld was seen",
                    p->sync.expected_recv, asked->sync.expected_send, (long long)seen);
}

void judge_sent(struct explore_world *w, struct explore_packet *p)
{
    if (!p->wire.opened)
        return;
    if (p->is_sync) {
        if (is_response(p))
            judge_answer(w, p);
        else if (!p->wire.copy_of)
            judge_proposal(w, p);
    } else if (is_ordinary(p) && !p->wire.copy_of) {
        if (is_response(p))
            judge_response(w, p);
        else
            judge_request(w, p);
    }
}

/* --- what arrives -------------------------------------------------------------------------------- */

/* Whatever the other side has ever used or proposed, this sync is above it. */
static bool is_above_all(const struct explore_world *w, const struct explore_packet *p,
                         const struct ike_sa_info *info)
{
    if ((int64_t)p->sync.expected_send <= info->highest_seen)
        return false;
    for (size_t i = 0; i < w->n_packets; i++) {
        const struct explore_packet *q = &w->packets[i];
        if (q == p || q->from != p->from || is_response(q) || !same_sa(q, p) || q->wire.copy_of == &p->wire)
            continue;
        if ((q->is_sync ? q->sync.expected_send : id_of(q)) >= p->sync.expected_send)
            return false;
    }
    return true;
}

/* SYNC-18: the window of the end that it comes to, wherever a sync has moved it. */
static bool is_inside_window(const struct explore_world *w, const struct explore_packet *p,
                             const struct ike_sa_info *info)
{
    return id_of(p) >= info->next_recv && id_of(p) < info->next_recv + window_of_sa(w, p);
}

struct before_input judge_before(struct explore_world *w, const struct explore_packet *p, bool copy)
{
    struct before_input b = {0};
    if (is_response(p) || (!p->is_sync && !is_ordinary(p)))
        return b;
    const struct explore_end *e = &w->ends[other_side(p->from)];
    b.known = info_of_sa(e, p, &b.info);
    if (b.known && !copy && !p->wire.copy_of)
        b.answer_due =
            p->is_sync ? is_above_all(w, p, &b.info) : !end_is_busy(e) && is_inside_window(w, p, &b.info);
    return b;
}

/* SYNC-6: P2 is exactly the larger one; when both sides sync at once an own proposal counts as used (EX-3).
 */
static void judge_p2(struct explore_world *w, const struct explore_packet *asked,
                     const struct explore_packet *answer, const struct before_input *before)
{
    uint64_t p2 = larger(asked->sync.expected_recv, before->info.next_send);
    if (before->info.sync_outstanding)
        p2 = larger(p2, w->ends[answer->from].sent.expected_send);
    if (answer->sync.expected_send != p2)
        world_found(w, before->info.sync_outstanding ? "EX-3" : "SYNC-6", answer->from, answer, asked,
                    "P2 = %u instead of %llu: P1 is %u, its own next ID %llu", answer->sync.expected_send,
                    (unsigned long long)p2, asked->sync.expected_recv,
                    (unsigned long long)before->info.next_send);
}

/* Among the packets from that number on. */
static const struct explore_packet *answer_to(const struct explore_world *w, const struct explore_packet *p,
                                              size_t from)
{
    for (size_t i = from; i < w->n_packets; i++) {
        const struct explore_packet *q = &w->packets[i];
        if (q->from == p->from || !is_response(q) || q->is_sync != p->is_sync || !same_sa(q, p))
            continue;
        if (p->is_sync ? memcmp(q->sync.nonce, p->sync.nonce, sizeof q->sync.nonce) == 0
                       : id_of(q) == id_of(p))
            return q;
    }
    return NULL;
}

void judge_after(struct explore_world *w, const struct explore_packet *p, const struct before_input *before,
                 size_t n_before)
{
    const struct explore_packet *answer = before->known ? answer_to(w, p, n_before) : NULL;
    if (answer && p->is_sync && !answer->wire.copy_of)
        judge_p2(w, p, answer, before);
    if (answer || !before->answer_due)
        return;
    if (!p->is_sync) {
        world_found(w, "SYNC-18", other_side(p->from), p, NULL,
                    "request %u gets no answer: %llu is expected next, and the window is %u", id_of(p),
                    (unsigned long long)before->info.next_recv, window_of_sa(w, p));
        return;
    }
    const char *rule = before->info.sync_outstanding ? "EX-3"
                       : before->info.unanswered     ? "SYNC-9"
                                                     : "SYNC-12";
    world_found(w, rule, other_side(p->from), p, NULL,
                "a sync request above all that was seen gets no answer");
}

/* FMT-5, SEC-2: what an end takes for the answer to its sync is that, and it takes it once. */
void judge_synced(struct explore_world *w, struct explore_end *e, const struct ike_event *event)
{
    if (!e->sent_any)
        return;
    if (memcmp(event->sync.nonce, e->sent.nonce, sizeof e->sent.nonce) != 0)
        world_found(w, "FMT-5", e->side, NULL, NULL, "it takes an answer with another nonce for its own");
    else if (e->synced)
        world_found(w, "FMT-5", e->side, NULL, NULL, "it takes a second answer to its sync request");
}
