/* PAR-3, PAR-6: one flow over several Child SAs, and the way back. */
#include "cases/parallel.h"

enum { BURST = 16, APART = 10000, SAME_NUMBER = 1000000, SAME_TRIES = 12 };

/* --- PAR-3: a flow ---------------------------------------------------------------------------------- */

/* Which member takes packet `i` of a flow. */
typedef unsigned next_member(unsigned i, unsigned n);

static unsigned in_turn(unsigned i, unsigned n)
{
    return i % n + 1;
}

static unsigned backwards(unsigned i, unsigned n)
{
    return n - i % n;
}

static unsigned in_blocks(unsigned i, unsigned n)
{
    return i / 4 % n + 1;
}

/* As a load balancer that looks at each packet would, and the same in every run. */
static unsigned at_random(unsigned i, unsigned n)
{
    uint32_t x = (i + 1) * 2654435761U;
    return (x ^ x >> 15) % n + 1;
}

struct flow {
    unsigned sent, answered;
    struct probed lost; /* the first that is not answered */
};

/* So many at once, then their answers. What has none is sent once more: the network may have lost it. */
static void send_burst(struct stage *stage, const struct sharing *s, next_member *next, unsigned from,
                       unsigned n, struct flow *flow)
{
    struct probed burst[BURST];
    for (unsigned i = 0; i < n; i++)
        burst[i] = send_probe_of(stage, s, next(from + i, s->n));
    await_answers(stage, burst, n);
    for (unsigned i = 0; i < n && !flow->lost.packet; i++) {
        bool answered = burst[i].answered || try_probe_of(stage, s, next(from + i, s->n)).answered;
        flow->answered += answered;
        if (!answered)
            flow->lost = burst[i];
    }
    flow->sent += n;
}

/* The packet was lost with its Child SA, which the peer may rekey at any time: that judges no window. */
static void must_be_there(struct stage *stage, uint32_t spi)
{
    struct child_sa sa;
    if (!child_sa_of(stage, spi, &sa))
        inconclusive(stage, "Child SA %08x was %s meanwhile", spi,
                     child_sa_now(stage, spi) ? "rekeyed" : "deleted (PAR-2)");
}

static void judge_flow(struct stage *stage, const struct sharing *s, next_member *next, const char *order)
{
    struct flow flow = {0};
    unsigned length = 4 * s->n;
    for (unsigned at = 0; at < length && !flow.lost.packet; at += BURST)
        send_burst(stage, s, next, at, length - at < BURST ? length - at : BURST, &flow);
    if (flow.lost.packet)
        must_be_there(stage, flow.lost.spi);
    check(stage, "PAR-3", !flow.lost.packet, PACKETS(flow.lost.packet),
          say(stage, "one flow over %u Child SAs %s: each packet is accepted", s->n, order),
          flow.lost.packet ? say(stage, "packet %u, number %llu on Child SA %08x, is not answered",
                                 flow.lost.packet, (unsigned long long)flow.lost.seq, flow.lost.spi)
                           : say(stage, "%u of %u are answered", flow.answered, flow.sent));
}

/* --- PAR-3: windows --------------------------------------------------------------------------------- */

static void set_apart(struct stage *stage, const struct sharing *s)
{
    for (unsigned member = 1; member <= s->n; member++)
        if (!member_goes_on_with(stage, s, member, member * APART))
            inconclusive(stage, "the numbers of member %u cannot be set", member);
}

/* The same number on each, all at once; marks those that were accepted. */
static void send_same_number(struct stage *stage, const struct sharing *s, uint64_t number,
                             struct probed accepted[SHARING_MAX_MEMBERS])
{
    struct probed sent[SHARING_MAX_MEMBERS];
    for (unsigned i = 0; i < s->n; i++) {
        if (!member_goes_on_with(stage, s, i + 1, number))
            inconclusive(stage, "the numbers of member %u cannot be set", i + 1);
        sent[i] = send_probe_of(stage, s, i + 1);
    }
    await_answers(stage, sent, s->n);
    for (unsigned i = 0; i < s->n; i++)
        if (!accepted[i].answered)
            accepted[i] = sent[i];
}

static unsigned count_answered(const struct probed *list, unsigned n, const struct probed **lost)
{
    unsigned answered = 0;
    *lost = NULL;
    for (unsigned i = 0; i < n; i++) {
        answered += list[i].answered;
        if (!list[i].answered && !*lost)
            *lost = &list[i];
    }
    return answered;
}

/* A lost packet is no verdict: then all send once more, with a higher number. In one window for all no member
 * but the first ever gets through. */
static void judge_same_number(struct stage *stage, const struct sharing *s)
{
    struct probed accepted[SHARING_MAX_MEMBERS] = {0};
    const struct probed *lost = NULL;
    unsigned answered = 0;
    for (unsigned i = 0; i < SAME_TRIES && answered < s->n; i++) {
        send_same_number(stage, s, SAME_NUMBER + i * APART, accepted);
        answered = count_answered(accepted, s->n, &lost);
    }
    if (lost)
        must_be_there(stage, lost->spi);
    check(stage, "PAR-3", !lost, PACKETS(lost ? lost->packet : accepted[s->n - 1].packet),
          say(stage, "the same number is accepted on each of %u Child SAs", s->n),
          lost ? say(stage, "%u are answered; packet %u, number %llu on Child SA %08x, is not", answered,
                     lost->packet, (unsigned long long)lost->seq, lost->spi)
               : say(stage, "number %llu and others: all are answered", (unsigned long long)SAME_NUMBER));
}

/* The others' packets must not make a window forget what it has seen. */
static void judge_replay_behind_others(struct stage *stage, struct sharing *s)
{
    struct probed first = probe_over(stage, s->spi[0]);
    tour_of(stage, s);
    check_no_echo(stage, "PAR-3", &first, replay(stage, &first),
                  "a packet that comes again is dropped, whatever came over the other Child SAs meanwhile");
}

CASE(par_one_flow, .id = "par.one-flow-over-any", .version = 1,
     .title = "Packets of one flow are accepted over any of the parallel Child SAs, in any order",
     .story = "Each packet of one flow goes through whichever member of the cluster is next. The members' "
              "sequence numbers are far apart, then all the same; at the end a packet comes a second time.",
     .sent =
         "Echo requests of one flow: over the Child SAs in turn, backwards, in blocks, at random, and with "
         "the same sequence number on each; then a replay.",
     .expected = "Each is answered, but for the replay.",
     .why = "A balancer that looks at packets spreads one flow over all members. A peer that binds a flow to "
            "the SA on which it began, or counts all SAs in one window, drops what the other members send.",
     .requires = {"PAR-3"}, .needs = NEED_ESP,
     .axes = ON(MEMBERS) | ON(ESN) | ON(GENERATION) | ON(ALGORITHMS), .not_axes = ON(NAT) | ON(CHILDREN))
{
    cluster_has_members(stage, axis_members(stage));
    establish(stage);
    probe(stage);
    struct sharing s = share_load(stage, axis_members(stage));
    set_apart(stage, &s);
    judge_flow(stage, &s, in_turn, "in turn");
    judge_flow(stage, &s, backwards, "backwards");
    judge_flow(stage, &s, in_blocks, "in blocks of four");
    judge_flow(stage, &s, at_random, "at random");
    judge_same_number(stage, &s);
    judge_replay_behind_others(stage, &s);
}

/* --- PAR-6 ------------------------------------------------------------------------------------------ */

struct ways_back {
    unsigned same, youngest, oldest, other, none;
};

static void count_way(struct ways_back *w, const struct probed *p, uint32_t oldest, uint32_t youngest)
{
    if (!p->answered)
        w->none++;
    else if (p->answer_spi == p->spi)
        w->same++;
    else if (p->answer_spi == youngest)
        w->youngest++;
    else if (p->answer_spi == oldest)
        w->oldest++;
    else
        w->other++;
}

static void observe_ways_back(struct stage *stage, const struct sharing *s, const char *when)
{
    enum { EACH = 2 };
    struct ways_back w = {0};
    struct child_sa list[TRAFFIC_MAX_SAS];
    struct probed last = {0};
    unsigned n = child_sas(stage, list, TRAFFIC_MAX_SAS);
    if (n == 0)
        inconclusive(stage, "there is no Child SA any more");
    for (unsigned i = 0; i < EACH * s->n; i++) {
        if (!s->spi[i % s->n])
            continue; /* gone: for other cases to judge */
        last = try_probe_of(stage, s, i % s->n + 1);
        count_way(&w, &last, list[0].spi, list[n - 1].spi);
    }
    observe(stage, "PAR-6", PACKETS(last.packet, last.answer_packet),
            say(stage, "%s: which of %u Child SAs answers take", when, n),
            say(stage,
                "the one that the request came on: %u; else the youngest: %u, the oldest: %u, another: %u; "
                "no answer: %u",
                w.same, w.youngest, w.oldest, w.other, w.none));
}

CASE(par_way_back, .id = "par.way-back", .version = 1,
     .title = "On which of the parallel Child SAs the peer answers",
     .story = "Each member sends over its own Child SA; then one of them is rekeyed, and all send again.",
     .sent = "Two echo requests over each Child SA.",
     .expected = "Whatever the peer does. What is recorded: which Child SA the answers take.",
     .why = "RFC 4301 leaves it to the peer. An answer that takes another one than the request comes to a "
            "member that has not asked.",
     .requires = {"PAR-6"}, .needs = NEED_ESP, .axes = ON(MEMBERS), .not_axes = ON(NAT) | ON(CHILDREN))
{
    cluster_has_members(stage, axis_members(stage));
    establish(stage);
    probe(stage);
    struct sharing s = share_load(stage, axis_members(stage));
    observe_ways_back(stage, &s, "as they were made");
    must_rekey(stage, &s, 1);
    wait_out_grace(stage);
    follow_child_sas(stage, &s);
    observe_ways_back(stage, &s, "when the first was rekeyed");
}
