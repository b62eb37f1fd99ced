/* Probes through the Child SAs, and the silence of a peer that must not answer one. */
#include <stdlib.h>

#include "cluster/data_path.h"
#include "esp/carried.h"
#include "stage/stage_parts.h"
#include "stage/traffic.h"

enum { ECHO_PORT = 7, FIRST_PORT = 49152, ECHO_ID = 0x5553, INNER_MAX = 200, PROBE_TRIES = 16 };

/* --- sealing ------------------------------------------------------------------------------------- */

static struct traffic_sa *choose_sa(struct stage *stage, const struct probe_with *with)
{
    unsigned index = with->member ? with->member - 1 : stage->cluster.active;
    struct traffic *t = index < stage->cluster.n_members ? stage->cluster.members[index].traffic : NULL;
    struct traffic_sa *sa = NULL;
    if (t && with->spi)
        sa = traffic_sa_of(t, with->spi);
    else if (t)
        traffic_sas(t, stage->cluster.members[index].sa, &sa, 1);
    if (!sa)
        inconclusive(stage, "member %u has no Child SA%s to send a probe over", index + 1,
                     with->spi ? say(stage, " %08x", with->spi) : "");
    return sa;
}

struct inner_packet next_probe(struct stage *stage, bool udp)
{
    struct inner_packet p = stage->traffic.template;
    if (stage->traffic.last_number == UINT16_MAX) /* an old answer would pass for a new one */
        inconclusive(stage, "the numbers of probes are used up");
    uint16_t number = ++stage->traffic.last_number;
    p.kind = udp ? INNER_UDP : INNER_ECHO_REQUEST;
    p.a = udp ? (uint16_t)(FIRST_PORT + number % (UINT16_MAX - FIRST_PORT)) : ECHO_ID;
    p.b = udp ? ECHO_PORT : number;
    p.data = octets_of_text("a probe of understudy");
    return p;
}

static struct datagram seal(struct stage *stage, const struct probe_with *with, struct traffic_sa *sa,
                            const struct inner_packet *inner)
{
    struct error err = {0};
    uint8_t room[INNER_MAX];
    struct writer w = writer_into(room, sizeof room);
    struct datagram d;
    uint8_t next_header = write_carried(&w, inner, sa->transport_mode);
    const struct esp_payload payload = {.next_header = next_header, .inner = writer_octets(&w)};
    unsigned index = with->member ? with->member - 1 : stage->cluster.active;
    if (!traffic_seal(stage->cluster.members[index].traffic, sa, with->seq, &payload, &stage->random, &d,
                      &err))
        inconclusive(stage, "a probe cannot be sent: %s", err.text);
    if (index == stage->cluster.active)
        traffic_direct(cluster_active(&stage->cluster)->traffic, active_host(stage), session_sa(stage), &d);
    if (stage->traffic.from.family && !d.raw_esp)
        d.from = stage->traffic.from;
    return d;
}

static unsigned let_go(struct stage *stage, struct datagram *d, unsigned member)
{
    stage->speaker = member;
    unsigned number = send_datagram(stage, d);
    stage->speaker = 0;
    return number;
}

struct probed send_probe(struct stage *stage, struct probe_with with)
{
    demand_traffic(stage);
    struct traffic_sa *sa = choose_sa(stage, &with);
    struct inner_packet inner = next_probe(stage, with.udp);
    inner.a = (uint16_t)(inner.a + (with.udp ? 0 : with.flow));
    struct datagram d = seal(stage, &with, sa, &inner);
    struct probed p = {.spi = sa->in.spi,
                       .seq = with.seq ? with.seq : sa->out.sent,
                       .id = inner.a,
                       .number = inner.b,
                       .text = "no answer"};
    if (!datagram_copy(&p.datagram, &d) || !keep_datagram(stage, &p.datagram))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    p.packet = let_go(stage, &d, with.member);
    flush_members(stage); /* the counter is worth an update */
    return p;
}

unsigned replay(struct stage *stage, const struct probed *sent)
{
    struct datagram d;
    if (!datagram_copy(&d, &sent->datagram))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    return let_go(stage, &d, 0);
}

unsigned send_raw_esp(struct stage *stage, struct octets octets)
{
    struct datagram d;
    demand_traffic(stage);
    if (!datagram_make(&d, &stage->line.cluster_natt, &stage->line.peer_natt, octets))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    traffic_direct(cluster_active(&stage->cluster)->traffic, active_host(stage), session_sa(stage), &d);
    return let_go(stage, &d, 0);
}

/* --- answers ------------------------------------------------------------------------------------- */

static bool is_echo_of(const struct probed *sent, enum inner_kind kind, uint16_t a, uint16_t b)
{
    if (sent->id >= ECHO_ID && sent->id <= ECHO_ID + TRAFFIC_MAX_FLOWS)
        return kind == INNER_ECHO_REPLY && a == sent->id && b == sent->number;
    if (kind == INNER_PORT_UNREACHABLE)
        return a == sent->id && b == sent->number;
    return kind == INNER_UDP && a == sent->number && b == sent->id;
}

bool take_answer(struct stage *stage, struct probed *sent)
{
    const struct stage_traffic *t = &stage->traffic;
    for (size_t i = 0; i < t->n_received; i++) {
        const struct received_inner *r = &t->received[i];
        if (!is_echo_of(sent, r->kind, r->a, r->b))
            continue;
        sent->answered = true;
        sent->answer_spi = r->spi;
        sent->answer_seq = r->seq;
        sent->answer_packet = stage->wire[r->wire]->number;
        sent->text = say(stage, "packet %u, number %llu over Child SA %08x, answers it", sent->answer_packet,
                         (unsigned long long)r->seq, r->spi);
        return true;
    }
    return false;
}

static bool has_answer(struct stage *stage, void *arg)
{
    struct probed *sent = arg;
    return take_answer(stage, sent);
}

bool await_answer(struct stage *stage, struct probed *sent)
{
    if (pump_until(stage, stage->patience_us, has_answer, sent))
        return true;
    sent->text = say(stage, "no answer in %lld ms", (long long)(stage->patience_us / 1000));
    return false;
}

/* Several tries of one probe: an answer to any of them will do. */
struct tries {
    struct probed list[PROBE_TRIES];
    unsigned n;
    struct probed *answered;
};

static bool any_answered(struct stage *stage, void *arg)
{
    struct tries *t = arg;
    for (unsigned i = 0; i < t->n && !t->answered; i++)
        if (take_answer(stage, &t->list[i]))
            t->answered = &t->list[i];
    return t->answered != NULL;
}

struct probed try_probe(struct stage *stage, struct probe_with with)
{
    struct tries t = {0};
    int64_t until = stage_now(stage) + stage->patience_us;
    int64_t pause = link_is_lossy(stage) ? CLOCK_MS(100) : stage->patience_us / 8;
    while (t.n < PROBE_TRIES && !t.answered) {
        t.list[t.n++] = send_probe(stage, with);
        int64_t left = until - stage_now(stage);
        bool last = with.once || t.n == PROBE_TRIES || left <= pause;
        pump_until(stage, last ? left : pause, any_answered, &t);
        if (last)
            break;
        pause += pause / 2;
        with.seq += with.seq > 0;
    }
    if (t.answered)
        return *t.answered;
    struct probed *first = &t.list[0];
    first->text = t.n == 1 ? say(stage, "no answer in %lld ms", (long long)(stage->patience_us / 1000))
                           : say(stage, "no answer to %u of them in %lld ms", t.n,
                                 (long long)(stage->patience_us / 1000));
    return *first;
}

struct probed probe_over(struct stage *stage, uint32_t spi)
{
    const struct peer_config *config = &stage->options->driver->config;
    struct probed p = try_probe(stage, (struct probe_with){.spi = spi});
    if (!p.answered)
        inconclusive(
            stage,
            "no echo of %s came back over Child SA %08x in %lld ms (packet %u): look at the route of the "
            "peer to %s, at the selectors of both sides, and for a firewall",
            config->protected_address, p.spi, (long long)(stage->patience_us / 1000), p.packet,
            config->behind_address);
    return p;
}

struct probed probe(struct stage *stage)
{
    return probe_over(stage, 0);
}

/* --- silence --------------------------------------------------------------------------------------- */

static size_t place_of(const struct stage *stage, unsigned number)
{
    size_t i = stage->n_wire;
    while (i > 0 && stage->wire[i - 1]->number != number)
        i--;
    return i;
}

/* What the peer sent counts, whether or not the member took it. */
static unsigned echo_since(const struct stage *stage, size_t since, const struct probed *sent)
{
    for (size_t i = since; i < stage->n_wire; i++) {
        const struct wire_packet *p = stage->wire[i];
        if (p->from_peer && p->esp && p->esp->readable && !p->by_filter && !p->copy_of &&
            is_echo_of(sent, p->esp->inner.kind, p->esp->inner.a, p->esp->inner.b))
            return p->number;
    }
    return 0;
}

struct esp_silence silence_so_far(struct stage *stage, const struct probed *sent, unsigned since,
                                  const struct probed *fence)
{
    struct esp_silence s = {.proof = "fenced", .fence = *fence};
    if (!fence->answered) {
        s.proof = say(stage, "timed %lld ms", (long long)((stage->patience_us + grace_us(stage)) / 1000));
        stage->outcome->tags |= TAG(TIMED_SILENCE);
    }
    s.answer_packet = echo_since(stage, place_of(stage, since), sent);
    s.silent = s.answer_packet == 0;
    return s;
}

struct esp_silence listen_for_echo(struct stage *stage, const struct probed *sent, unsigned since)
{
    struct esp_silence s = {0};
    wait_out_echoes(stage);
    s.fence = try_probe(stage, (struct probe_with){.spi = sent->spi});
    wait_out_echoes(stage);
    return silence_so_far(stage, sent, since, &s.fence);
}

static void watch_echo(struct stage *stage, const char *requirement, const struct probed *sent)
{
    struct stage_traffic *t = &stage->traffic;
    if (t->n_silent == sizeof t->silent / sizeof *t->silent)
        return;
    t->silent[t->n_silent++] = (struct silent_echo){
        .id = sent->id, .number = sent->number, .since = stage->n_wire, .packet = sent->packet};
    t->silent[t->n_silent - 1].requirement = requirement;
}

void check_no_echo(struct stage *stage, const char *requirement, const struct probed *sent, unsigned since,
                   const char *expected)
{
    struct esp_silence s = listen_for_echo(stage, sent, since);
    if (!stage->options->driver->config.anti_replay) {
        not_judged(stage, requirement, "a replay: peer.ini says that the peer has anti-replay off");
        return;
    }
    judge_no_echo(stage, requirement, sent, since, &s, expected);
}

void judge_no_echo(struct stage *stage, const char *requirement, const struct probed *sent, unsigned since,
                   const struct esp_silence *silence, const char *expected)
{
    const struct esp_silence s = *silence;
    const char *seen = !s.silent ? say(stage, "packet %u answers packet %u", s.answer_packet, since)
                       : s.fence.answered
                           ? say(stage, "no answer, and the packet behind it, number %llu, was answered",
                                 (unsigned long long)s.fence.seq)
                           : say(stage, "no answer, and none to the packet behind it, number %llu, either",
                                 (unsigned long long)s.fence.seq);
    const unsigned *packets =
        s.silent ? PACKETS(since, s.fence.packet, s.fence.answer_packet) : PACKETS(since, s.answer_packet);
    add_check(stage, requirement, s.silent && s.fence.answered ? CHECK_HELD : CHECK_BROKEN, packets, expected,
              seen, s.proof);
    if (s.silent)
        watch_echo(stage, requirement, sent);
}

void judge_late_echoes(struct stage *stage)
{
    for (unsigned i = 0; i < stage->traffic.n_silent; i++) {
        const struct silent_echo *e = &stage->traffic.silent[i];
        const struct probed sent = {.id = e->id, .number = e->number};
        unsigned late = echo_since(stage, e->since, &sent);
        if (!late)
            continue;
        stage->outcome->tags |= TAG(LATE_REPLY);
        add_check(stage, e->requirement, CHECK_BROKEN, PACKETS(e->packet, late),
                  "no answer until the end of the case",
                  say(stage, "packet %u answers packet %u, late", late, e->packet), NULL);
    }
}
