#include "stage/monitor_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

/* --- the index ----------------------------------------------------------------------------------- */

static bool index_open(struct packet_index *x, size_t memory)
{
    size_t size = 16;
    while (size < memory)
        size *= 2;
    x->mask = size - 1;
    x->newest = calloc(size, sizeof *x->newest);
    x->rows = calloc(memory, sizeof *x->rows);
    return x->newest && x->rows;
}

static void index_close(struct packet_index *x)
{
    free(x->newest);
    free(x->rows);
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* Of the packet that is being judged. */
void monitor_index(const struct monitor *m, struct packet_index *x, uint64_t hash)
{
    x->rows[m->at % m->memory] = (struct index_row){x->newest[hash & x->mask], tag_of(hash)};
    x->newest[hash & x->mask] = (uint32_t)(m->at + 1);
}

/* From this place on the first with this hash. What has been forgotten ends a walk: all that follows is
 * older. */
static const struct wire_packet *walk(const struct monitor *m, const struct packet_index *x, uint64_t hash,
                                      uint32_t place, uint64_t *found)
{
    while (place) {
        uint32_t age = (uint32_t)(m->at + 1) - place;
        if (age == 0 || age > m->at || age > m->memory)
            break;
        *found = m->at + 1 - age;
        const struct index_row *row = &x->rows[(*found - 1) % m->memory];
        if (row->tag == tag_of(hash))
            return m->ring[(*found - 1) % m->memory];
        place = row->older;
    }
    return NULL;
}

const struct wire_packet *first_with(const struct monitor *m, const struct packet_index *x, uint64_t hash,
                                     uint64_t *place)
{
    return walk(m, x, hash, x->newest[hash & x->mask], place);
}

const struct wire_packet *next_with(const struct monitor *m, const struct packet_index *x, uint64_t hash,
                                    uint64_t *place)
{
    return walk(m, x, hash, x->rows[(*place - 1) % m->memory].older, place);
}

/* FNV-1a, folded, since the index takes the low bits. */
uint64_t hash_of(struct octets o, uint64_t more)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ more;
    for (size_t i = 0; i < o.len; i++)
        h = (h ^ o.at[i]) * UINT64_C(1099511628211);
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* Without the responder's SPI: the first request of an IKE SA does not have it. */
uint64_t hash_of_said(const struct wire_packet *p, bool of_peer, bool response)
{
    uint64_t what = (uint64_t)p->header.message_id << 2 | (uint64_t)of_peer << 1 | (uint64_t)response, spi;
    memcpy(&spi, p->header.spi_i, sizeof spi);
    uint64_t h = (spi ^ what * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);
    return h ^ h >> 32;
}

/* --- asking -------------------------------------------------------------------------------------- */

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
    FOR_EACH_WITH (q, m, &m->said, hash_of_said(response, false, false))
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
    bool of_peer = is_of_peer(m, p);
    struct octets iv = of_peer ? iv_of(m, p) : octets_of(NULL, 0);
    if (of_peer) {
        learn_of_peer(m, p);
        learn_delta(m, p);
    } else {
        learn_role(m, p);
        learn_of_cluster(m, p);
    }
    monitor_index(m, &m->said, hash_of_said(p, of_peer, ike_is_response(&p->header)));
    if (iv.len)
        monitor_index(m, &m->ivs, hash_of(iv, 0));
}

static void remember(struct monitor *m, const struct wire_packet *p)
{
    if (!is_of_peer(m, p))
        learn_address(m, p);
    if (p->esp)
        learn_esp(m, p);
    else if (p->readable)
        learn(m, p);
    m->ring[m->at++ % m->memory] = p;
}

void monitor_add(struct monitor *m, const struct wire_packet *p)
{
    bool of_peer = is_of_peer(m, p);
    take_up(m, p);
    if (of_peer && p->esp)
        judge_esp(m, p);
    else if (of_peer && is_no_ike(m, p))
        return;
    else if (of_peer)
        judge(m, p);
    remember(m, p);
}

void monitor_remember(struct monitor *m, const struct wire_packet *p)
{
    take_up(m, p);
    remember(m, p);
}

void monitor_begins_late(struct monitor *m)
{
    m->late = true;
    for (size_t i = 0; i < m->view->n_keys; i++)
        m->sas[i].late = m->sas[i].asked_late = true;
}

struct monitor *monitor_open(const struct monitor_view *view, size_t memory)
{
    struct monitor *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->view = view;
    m->memory = memory ? memory : 1;
    m->ring = calloc(m->memory, sizeof(const struct wire_packet *));
    m->sas = calloc(view->n_keys + 1, sizeof *m->sas);
    for (size_t i = 0; m->sas && i < view->n_keys; i++) {
        struct cipher_sizes sizes;
        m->sas[i].window = 1;
        m->sas[i].iv_len = cipher_sizes_of(&view->keys[i].suite, &sizes) ? sizes.iv_len : 0;
    }
    m->report.complete = index_open(&m->said, m->memory) && index_open(&m->ivs, m->memory) &&
                         index_open(&m->esp, m->memory) && index_open(&m->echoes, m->memory) && m->ring &&
                         m->sas;
    if (m->report.complete)
        return m;
    monitor_close(m);
    return NULL;
}

struct monitor_report monitor_close(struct monitor *m)
{
    struct monitor_report report = m->report;
    index_close(&m->said);
    index_close(&m->ivs);
    index_close(&m->esp);
    index_close(&m->echoes);
    free(m->ring);
    free(m->sas);
    free(m);
    return report;
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
