/* The rules of one ESP SA, by numbers and IVs, which are in clear, and by what was opened. */
#include <stdlib.h>

#include "ike/propose.h"
#include "judge/esp_parts.h"

typedef unsigned long long big;

enum { SMALLEST_WINDOW = 32 };

static bool is_lossy(const struct esp_unit *e)
{
    return e->ledger.judge->options.lossy;
}

/* Members are those of the cluster. Of others a change of the address is one of a path. */
static bool has_members(const struct esp_unit *e)
{
    return e->ledger.judge->result.cluster_is_known && e->esp->from == PARTY_A;
}

/* --- numbers ------------------------------------------------------------------------------------------- */

static const char *numbers_rule(const struct esp_unit *e, bool takes_over)
{
    return takes_over && has_members(e) ? "RPL-2" : "IKE-16";
}

static const char *numbers_expected(const struct esp_unit *e, bool takes_over)
{
    return takes_over && has_members(e)
               ? "a member that takes over sends numbers above all that were used before"
               : "the sequence numbers of an ESP SA rise from packet to packet";
}

static void number_broken(struct esp_unit *e, const struct esp_packet *x, struct judge_frame beside,
                          uint64_t beside_seq, bool takes_over)
{
    struct judge_frame at = frame_of(x->p);
    ledger_broken(&e->ledger, e->esp->from, numbers_rule(e, takes_over), FRAMES(beside, at),
                  numbers_expected(e, takes_over), "packet %u has number %llu on SA %08x, packet %u had %llu",
                  at.number, (big)x->seq, e->esp->spi, beside.number, (big)beside_seq);
}

static unsigned member_of(struct esp_unit *e, const struct endpoint *from)
{
    unsigned kept = e->n_members < ESP_MEMBERS ? e->n_members : ESP_MEMBERS;
    for (unsigned i = 0; i < kept; i++)
        if (endpoint_same_address(&e->members[i].at, from))
            return i;
    unsigned at = e->n_members++ % ESP_MEMBERS;
    e->members[at] = (struct esp_member){.at = *from};
    return at;
}

/* A new number of the member before, where both have one address: two packets have changed places (RPL-7). */
static bool is_late(const struct esp_unit *e, const struct esp_packet *x, unsigned at)
{
    return at == e->current && x->seq < e->esp->highest && e->esp->highest - x->seq < SMALLEST_WINDOW;
}

/* RPL-2, where it is the cluster. A member proves itself by its first packet. */
static void judge_takeover(struct esp_unit *e, const struct esp_packet *x, unsigned at)
{
    if (is_late(e, x, at)) {
        e->esp->late++;
        return;
    }
    e->takes_over = false;
    e->takeovers++;
    if (x->seq <= e->esp->highest) {
        number_broken(e, x, e->highest_frame, e->esp->highest, true);
        return;
    }
    ledger_held(&e->ledger, e->esp->from, numbers_rule(e, true));
    e->jumped_from = e->esp->highest;
    e->jumped_us = INT64_MAX;
    e->jumped_turn = UINT64_MAX;
}

/* Was the packet sent before the numbers jumped? Then it belongs to those from which they did. */
static bool is_of_before(const struct esp_unit *e, const struct esp_packet *x)
{
    bool near = x->seq < e->jumped_from + SMALLEST_WINDOW && e->jumped_from < x->seq + SMALLEST_WINDOW;
    return e->jumped_us != INT64_MIN && near && x->asked_turn <= e->jumped_turn &&
           (e->jumped_us == INT64_MAX || x->p->wire.at_us - e->jumped_us < ESP_ON_ITS_WAY_US);
}

/* The same for a delta whose answer was overtaken, too. */
static bool is_before_an_answer(const struct esp_unit *e, uint64_t way)
{
    const struct asker *a = e->unit ? &e->unit->askers[other_party(e->esp->from)] : NULL;
    for (unsigned i = 0; a && i < a->n_syncs && i < SYNCS_MAX; i++) {
        const struct seen_sync *s = &a->syncs[i];
        if (s->delta_len && !s->answered && way >= s->delta && way - s->delta < SMALLEST_WINDOW)
            return true;
    }
    return false;
}

/* IKE-16, within one member. Neighbours may change places, as the smallest window of a receiver takes them
 * (RFC 4303 3.4.3). What is too far below to be remembered may be an old packet once more. */
static void judge_rise(struct esp_unit *e, const struct esp_packet *x, const struct esp_member *m)
{
    if (x->seq > m->highest)
        ledger_held(&e->ledger, e->esp->from, "IKE-16");
    else if (is_of_before(e, x) || is_before_an_answer(e, m->highest - x->seq))
        e->esp->late++;
    else if (!is_lossy(e) && m->highest - x->seq >= SMALLEST_WINDOW && m->highest - x->seq < ESP_RECENT)
        number_broken(e, x, m->frame, m->highest, false);
}

/* A packet that was seen before says nothing new of who sent it first. */
static enum esp_copy copy_of(struct esp_unit *e, const struct esp_packet *x)
{
    static const int64_t by_capture_us = 1000;
    const struct esp_seen *seen = &e->recent[x->seq % ESP_RECENT];
    if (seen->seq != x->seq || seen->frame.number == 0)
        return COPY_NONE;
    if (seen->digest == x->p->digest)
        return x->p->wire.at_us - seen->at_us < by_capture_us ? COPY_BY_CAPTURE : COPY_ON_PATH;
    number_broken(e, x, seen->frame, seen->seq, seen->member != e->takeovers || e->takes_over);
    return COPY_NONE;
}

static void judge_number(struct esp_unit *e, const struct esp_packet *x)
{
    const struct endpoint *from = &x->p->wire.datagram.from;
    unsigned at = member_of(e, from);
    struct esp_member *m = &e->members[at];
    bool first = e->judged == 0, fresh = m->frame.number == 0,
         heir = e->takes_over && endpoint_same_address(&e->heir, from);
    if (!first && (heir || (fresh && at != e->current)))
        judge_takeover(e, x, at);
    else if (!first && at != e->current && x->seq <= e->esp->highest)
        e->esp->late++; /* RPL-7: of a member that another one has followed */
    else if (!first)
        judge_rise(e, x, m);
    if (first || fresh || heir || x->seq > e->esp->highest)
        e->current = at;
    if (x->seq >= m->highest) {
        m->highest = x->seq;
        m->frame = frame_of(x->p);
    }
}

/* RPL-1. What was sent before the answer may come behind it: not what answers a later packet, nor what comes
 * when nothing can be on its way any more. */
static void judge_delta(struct esp_unit *e, const struct esp_packet *x)
{
    struct judge_frame at = frame_of(x->p);
    bool behind = x->asked_turn > e->delta_turn || x->p->wire.at_us - e->delta_us >= ESP_ON_ITS_WAY_US;
    if (!e->has_delta || x->seq <= e->esp->highest || (x->seq < e->least && !behind))
        return;
    e->has_delta = false;
    if (x->seq >= e->least) {
        ledger_held(&e->ledger, e->esp->from, "RPL-1");
        e->jumped_from = e->esp->highest;
        e->jumped_us = e->delta_us;
        e->jumped_turn = e->delta_turn;
    } else if (!is_lossy(e)) {
        ledger_broken(&e->ledger, e->esp->from, "RPL-1", FRAMES(e->delta_request, e->delta_answer, at),
                      "the delta of an answered sync is added to the number of every Child SA",
                      "packet %u has number %llu on SA %08x, it must be above %llu", at.number, (big)x->seq,
                      e->esp->spi, (big)e->least - 1);
    }
}

/* --- IVs ----------------------------------------------------------------------------------------------- */

static bool read_iv(const struct esp_unit *e, const struct esp_packet *x, uint64_t *iv, bool *counts)
{
    struct cipher_sizes sizes;
    struct octets packet = datagram_octets(&x->p->wire.datagram);
    if (!e->has_suite || !cipher_sizes_of(&e->suite, &sizes) || sizes.iv_len == 0 ||
        packet.len < ESP_HEADER_LEN + sizes.iv_len)
        return false;
    *counts = sizes.aead;
    *iv = 0;
    for (size_t i = 0; i < sizes.iv_len; i++)
        *iv = (i >= 8 ? *iv * UINT64_C(0x9e3779b97f4a7c15) : *iv << 8) ^ packet.at[ESP_HEADER_LEN + i];
    return true;
}

/* IKE-17, and RPL-9 where the members of a cluster share a key. */
static void judge_iv(struct esp_unit *e, const struct esp_packet *x)
{
    struct iv_use use = {.digest = x->p->digest, .frame = frame_of(x->p), .member = e->takeovers}, before;
    bool counts;
    if (!read_iv(e, x, &use.iv, &counts))
        return;
    if (!e->ivs && !(e->ivs = calloc(1, sizeof *e->ivs))) {
        e->ledger.judge->result.memory_out = true;
        return;
    }
    bool used = esp_ivs_used(e->ivs, &use, counts, x->seq > e->esp->highest, &before);
    bool shared = counts && has_members(e) && (used ? before.member != use.member : e->takeovers > 0);
    const char *rule = shared ? "RPL-9" : "IKE-17";
    if (used)
        ledger_broken(&e->ledger, e->esp->from, rule, FRAMES(before.frame, use.frame),
                      "no initialization vector comes twice under one ESP key",
                      "packet %u on SA %08x has one that was used at packet %u", use.frame.number,
                      e->esp->spi, before.frame.number);
    else if (e->judged > 0)
        ledger_held(&e->ledger, e->esp->from, rule);
    esp_ivs_add(e->ivs, &use, counts);
}

/* --- what the SA is for -------------------------------------------------------------------------------- */

/* IKE-18: what was under way when it was deleted is not held against anybody. */
void esp_judge_deleted(struct esp_unit *e, const struct esp_packet *x)
{
    int64_t at_us = x->p->wire.at_us;
    struct judge_frame at = frame_of(x->p);
    if (e->esp->agreed && !e->esp->deleted)
        ledger_held(&e->ledger, e->esp->from, "IKE-18");
    else if (e->esp->deleted && at_us > e->gone_us + ESP_ON_ITS_WAY_US && !is_lossy(e))
        ledger_broken(&e->ledger, e->esp->from, "IKE-18", FRAMES(e->gone, at),
                      "ESP comes on Child SAs that were agreed on and are not deleted",
                      "packet %u is on Child SA %08x, which was deleted before", at.number, e->esp->spi);
}

/* Of a packet in a tunnel. */
static bool read_addresses(const struct esp_packet *x, uint8_t *family, const uint8_t **source,
                           const uint8_t **destination)
{
    const struct octets *o = &x->inner;
    bool v4 = x->next_header == ESP_NEXT_IPV4 && o->len >= 20 && o->at[0] >> 4 == 4;
    bool v6 = x->next_header == ESP_NEXT_IPV6 && o->len >= 40 && o->at[0] >> 4 == 6;
    *family = v6 ? 6 : 4;
    *source = o->at + (v6 ? 8 : 12);
    *destination = o->at + (v6 ? 24 : 16);
    return v4 || v6;
}

/* Of a packet whose addresses can be read, without IPv4 options or IPv6 extension headers. */
static bool is_icmp_error(const struct octets *o, uint8_t family)
{
    enum { V4_AT = 20, V6_AT = 40, ICMP = 1, ICMPV6 = 58 };
    if (family == 6)
        return o->at[6] == ICMPV6 && o->len > V6_AT && o->at[V6_AT] < 128; /* RFC 4443 2.1 */
    if (o->at[0] != 0x45 || o->at[9] != ICMP || o->len <= V4_AT)
        return false;
    switch (o->at[V4_AT]) { /* RFC 792 */
    case 3:                 /* unreachable */
    case 4:                 /* source quench */
    case 11:                /* time exceeded */
    case 12:                /* parameter problem */
        return true;
    default:
        return false;
    }
}

/* IKE-19. An ICMP error may come from a gateway on the way (RFC 4301 6.2). */
static void judge_selectors(struct esp_unit *e, const struct esp_packet *x)
{
    uint8_t family;
    const uint8_t *source, *destination;
    struct endpoint a = {0}, b = {0};
    char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];
    struct judge_frame at = frame_of(x->p);
    if (!x->opened || !e->has_selectors || !read_addresses(x, &family, &source, &destination))
        return;
    if ((is_icmp_error(&x->inner, family) || selectors_contain(&e->ts_source, family, source)) &&
        selectors_contain(&e->ts_destination, family, destination)) {
        ledger_held(&e->ledger, e->esp->from, "IKE-19");
        return;
    }
    a.family = b.family = family;
    memcpy(a.address, source, family == 6 ? 16 : 4);
    memcpy(b.address, destination, family == 6 ? 16 : 4);
    ledger_broken(&e->ledger, e->esp->from, "IKE-19", FRAMES(at),
                  "packets inside a tunnel are within the selectors of its Child SA",
                  "packet %u on SA %08x is not: from %s to %s", at.number, e->esp->spi,
                  endpoint_text(&a, from), endpoint_text(&b, to));
}

/* IKE-21. A dummy packet is of no mode. */
static void judge_mode(struct esp_unit *e, const struct esp_packet *x)
{
    struct judge_frame at = frame_of(x->p);
    bool whole_packet = x->next_header == ESP_NEXT_IPV4 || x->next_header == ESP_NEXT_IPV6;
    if (!x->opened || !e->knows_mode || x->next_header == ESP_NEXT_DUMMY)
        return;
    if (whole_packet != e->transport_mode)
        ledger_held(&e->ledger, e->esp->from, "IKE-21");
    else
        ledger_broken(&e->ledger, e->esp->from, "IKE-21", FRAMES(at),
                      "ESP carries what the mode of its Child SA says",
                      "packet %u has Next Header %u on SA %08x, which is in %s mode", at.number,
                      x->next_header, e->esp->spi, e->transport_mode ? "transport" : "tunnel");
}

/* --- one packet ---------------------------------------------------------------------------------------- */

static void remember(struct esp_unit *e, const struct esp_packet *x)
{
    struct judge_esp *esp = e->esp;
    e->recent[x->seq % ESP_RECENT] =
        (struct esp_seen){x->seq, x->p->digest, x->p->wire.at_us, frame_of(x->p), e->takeovers};
    if (e->judged++ == 0 || x->seq < esp->lowest)
        esp->lowest = x->seq;
    if (x->seq >= esp->highest) {
        esp->highest = x->seq;
        e->highest_frame = frame_of(x->p);
    }
}

void esp_judge(struct esp_unit *e, const struct esp_packet *packet)
{
    struct esp_packet judged = *packet, *x = &judged;
    enum esp_copy copy = copy_of(e, x);
    x->asked_turn = x->opened && copy != COPY_BY_CAPTURE ? echoes_take(e, x, copy) : 0;
    if (copy != COPY_NONE) {
        e->esp->copies++;
        return;
    }
    esp_moves(e, x);
    judge_delta(e, x);
    judge_number(e, x); /* tells whose it is */
    judge_iv(e, x);
    judge_selectors(e, x);
    judge_mode(e, x);
    remember(e, x);
}
