#include "stage/monitor_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fetch.h"
#include "wire/natt.h"

/* --- findings ------------------------------------------------------------------------------------ */

void monitor_found(struct monitor *m, const char *requirement, const struct wire_packet *p,
                   const struct wire_packet *beside, const char *expected, const char *format, ...)
{
    char seen[300];
    va_list args;
    for (unsigned i = 0; i < m->n_found; i++)
        if (strcmp(m->found[i], requirement) == 0)
            return;
    if (m->n_found < MONITOR_MAX_FOUND)
        m->found[m->n_found++] = requirement;
    va_start(args, format);
    vsnprintf(seen, sizeof seen, format, args);
    va_end(args);
    const struct monitor_finding finding = {requirement, p, beside, expected, seen};
    m->view->found(m->view->state, &finding);
}

/* --- asking ------------------------------------------------------------------------------------ */

bool same_spis(const struct ike_header *a, const struct ike_header *b)
{
    return ike_header_has_spis(a, b->spi_i, b->spi_r);
}

static const struct ike_evidence_keys *keys_of(const struct monitor *m, const struct wire_packet *p)
{
    return p->readable ? keys_of_header(m->view->keys, m->view->n_keys, &p->header) : NULL;
}

struct watched_sa *sa_of(const struct monitor *m, const struct wire_packet *p)
{
    if (p == m->judged.packet)
        return m->judged.sa;
    const struct ike_evidence_keys *k = keys_of(m, p);
    return k ? &m->sas[k - m->view->keys] : NULL;
}

bool has_keys(const struct monitor *m, const struct wire_packet *p)
{
    return sa_of(m, p) != NULL;
}

bool is_fragment(const struct wire_packet *p)
{
    return p->outer && ike_find(p->outer, PAYLOAD_SKF);
}

bool protects(const struct wire_packet *p)
{
    return p->outer && (ike_find(p->outer, PAYLOAD_SK) || ike_find(p->outer, PAYLOAD_SKF));
}

bool is_in_clear(const struct monitor *m, const struct wire_packet *p)
{
    return p->outer && !protects(p) && p->header.exchange != EXCHANGE_IKE_SA_INIT && has_keys(m, p);
}

bool asks_for(const struct wire_packet *q, const struct wire_packet *response)
{
    return q->number && packet_is(q, !response->from_peer, false, response->header.exchange) &&
           q->header.message_id == response->header.message_id &&
           (same_spis(&q->header, &response->header) || q->header.exchange == EXCHANGE_IKE_SA_INIT);
}

static const struct wire_packet *find_request(const struct monitor *m, const struct wire_packet *response)
{
    FOR_EACH_WITH (q, m, said, hash_of_said(response, !response->from_peer, false))
        if (asks_for(q, response))
            return q;
    return NULL;
}

const struct wire_packet *request_of(struct monitor *m, const struct wire_packet *response)
{
    if (response != m->judged.packet)
        return find_request(m, response);
    if (!m->judged.has_request)
        m->judged.request = find_request(m, response);
    m->judged.has_request = true;
    return m->judged.request;
}

struct octets iv_of(const struct monitor *m, const struct wire_packet *p)
{
    if (p == m->judged.packet)
        return m->judged.iv;
    const struct ike_payload *sk = p->outer ? ike_find(p->outer, PAYLOAD_SK) : NULL;
    const struct ike_payload *skf = p->outer ? ike_find(p->outer, PAYLOAD_SKF) : NULL;
    const struct watched_sa *sa = sa_of(m, p);
    struct octets body = sk ? sk->body : skf ? skf->skf.data : octets_of(NULL, 0);
    if (!sa || body.len < sa->iv_len)
        return octets_of(NULL, 0);
    return octets_of(body.at, sa->iv_len);
}

/* The packet that is judged, or remembered, from here on. */
static void take_up(struct monitor *m, const struct wire_packet *p)
{
    m->judged = (struct judged_packet){0};
    struct watched_sa *sa = sa_of(m, p);
    struct octets iv = is_of_peer(m, p) && p->readable ? iv_of(m, p) : octets_of(NULL, 0);
    m->judged = (struct judged_packet){.packet = p, .sa = sa, .iv = iv};
}

/* --- judging ------------------------------------------------------------------------------------- */

/* On the port for NAT traversal ESP and keepalives come, too: an IKE message has a marker there (RFC 3948).
 */
static bool is_no_ike(const struct monitor *m, const struct wire_packet *p)
{
    const struct datagram *d = &p->datagram;
    return d->raw_esp || (m->view->natt_port && d->to.port == m->view->natt_port &&
                          !has_non_esp_marker(datagram_octets(d)));
}

static void judge(struct monitor *m, const struct wire_packet *p)
{
    m->report.watched++;
    judge_form(m, p);
    if (!p->readable)
        return;
    if (p->copy_of && !p->by_filter)
        m->report.tags |= TAG(RETRANSMIT_SEEN);
    judge_protection(m, p);
    judge_header(m, p);
    judge_critical(m, p);
    judge_address(m, p);
    judge_spis(m, p);
    judge_response_id(m, p);
    judge_reuse(m, p);
    judge_iv(m, p);
    judge_refusal(m, p);
    judge_own_request(m, p);
    judge_sync(m, p);
}

/* Who began an IKE SA is seen by any message of the cluster that opens. */
static void learn_role(struct monitor *m, const struct wire_packet *p)
{
    struct watched_sa *sa = is_of_peer(m, p) || !p->opened ? NULL : sa_of(m, p);
    if (!sa || sa->cluster_spoke)
        return;
    sa->cluster_spoke = true;
    sa->cluster_began = (p->header.flags & IKE_FLAG_INITIATOR) != 0;
}

static void learn(struct monitor *m, const struct wire_packet *p)
{
    if (is_of_peer(m, p)) {
        learn_of_peer(m, p);
        learn_delta(m, p);
    } else {
        learn_role(m, p);
        learn_of_cluster(m, p);
        learn_delta_asked(m, p);
    }
}

static void judge_and_learn(struct monitor *m, const struct wire_packet *p, bool whole)
{
    bool of_peer = is_of_peer(m, p);
    take_up(m, p);
    if (of_peer && whole)
        (p->esp ? judge_esp : judge)(m, p);
    if (!of_peer)
        learn_address(m, p);
    if (!p->esp && p->readable)
        learn(m, p);
}

static void add(struct monitor *m, const struct wire_packet *p, bool whole)
{
    judge_and_learn(m, p, whole);
    if (m->beside)
        judge_and_learn(m->beside, p, whole);
    packets_add(m->record, p, (is_of_peer(m, p) || !m->beside ? m : m->beside)->judged.iv);
}

void monitor_add(struct monitor *m, const struct wire_packet *p)
{
    if (!is_of_peer(m, p) || p->esp || !is_no_ike(m, p))
        add(m, p, true);
}

void monitor_remember(struct monitor *m, const struct wire_packet *p)
{
    add(m, p, false);
}

/* --- from one end to the other ------------------------------------------------------------------- */

void monitor_begins_late(struct monitor *m)
{
    m->late = true;
    for (size_t i = 0; i < m->view->n_keys; i++)
        m->sas[i].late = m->sas[i].asked_late = true;
}

static struct monitor *open_over(const struct monitor_view *view)
{
    struct monitor *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->view = view;
    m->sas = calloc(view->n_keys + 1, sizeof *m->sas);
    m->report.complete = m->sas != NULL;
    for (size_t i = 0; m->sas && i < view->n_keys; i++) {
        struct cipher_sizes sizes;
        m->sas[i].window = 1;
        m->sas[i].iv_len = cipher_sizes_of(&view->keys[i].suite, &sizes) ? sizes.iv_len : 0;
        m->likely_iv_len = m->sas[i].iv_len;
    }
    return m;
}

struct monitor *monitor_open(const struct monitor_view *view, size_t memory)
{
    struct monitor *m = open_over(view);
    if (!m)
        return NULL;
    m->record = &m->own_record;
    m->report.complete = packets_open(m->record, memory) && m->report.complete;
    if (m->report.complete)
        return m;
    monitor_close(m);
    return NULL;
}

struct monitor *monitor_open_beside(const struct monitor_view *view, struct monitor *first)
{
    struct monitor *m = open_over(view);
    if (!m)
        return NULL;
    m->record = first->record;
    if (m->report.complete) {
        first->beside = m;
        return m;
    }
    monitor_close(m);
    return NULL;
}

struct monitor_report monitor_close(struct monitor *m)
{
    struct monitor_report report = m->report;
    packets_close(&m->own_record);
    free(m->sas);
    free(m);
    return report;
}

void monitor_fetch(const struct monitor *m)
{
    fetch_ahead(m, offsetof(struct monitor, found));
    if (m->beside)
        fetch_ahead(m->beside, offsetof(struct monitor, found));
}

/* Where it is in a message with nothing before SK, which nobody has read yet. */
static struct octets likely_iv(const struct monitor *m, const struct wire_packet *p)
{
    enum { BEFORE = IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN };
    struct octets message = packet_message(&p->datagram);
    bool has_one = p->header.next_payload == PAYLOAD_SK && message.len >= BEFORE + m->likely_iv_len;
    return has_one ? octets_of(message.at + BEFORE, m->likely_iv_len) : octets_of(NULL, 0);
}

void monitor_fetch_for(const struct monitor *m, const struct wire_packet *p)
{
    packets_fetch(m->record, p, likely_iv(m, p));
    for (const struct monitor *x = m; x; x = x->beside) {
        fetch_ahead(x->sas, sizeof *x->sas);
        fetch_ahead(x->used, sizeof x->used[0]);
    }
}

/* With the whole record at hand, a message of the cluster tells of those before it, too. */
struct monitor_report monitor_packets(const struct monitor_view *view)
{
    struct monitor *m = monitor_open(view, view->count);
    if (!m)
        return (struct monitor_report){0};
    for (size_t i = 0; i < view->count; i++)
        learn_role(m, view->packets[i]);
    for (size_t i = 0; i < view->count; i++)
        monitor_add(m, view->packets[i]);
    return monitor_close(m);
}
