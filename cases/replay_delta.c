/* Deltas of replay counters that are not as they should be, and what a delta must leave alone. */
#include "cases/story.h"
#include "stage/attack.h"
#include "stage/sessions.h"
#include "stage/standby.h"
#include "stage/traffic.h"

enum { SLACK = 100, NEEDS = NEED_MESSAGE_ID_SYNC | NEED_REPLAY_COUNTER_SYNC | NEED_ESP };

/* The session and its Child SAs as they were before the delta came. */
struct before {
    struct child_sa list[TRAFFIC_MAX_SAS];
    unsigned n;
    unsigned packet; /* the last one */
};

static struct before note_numbers(struct stage *stage)
{
    struct before b = {0};
    wait_out_grace(stage); /* what is late of the peer's comes before */
    b.n = child_sas(stage, b.list, TRAFFIC_MAX_SAS);
    b.packet = last_packet(stage);
    return b;
}

static struct before begin(struct stage *stage)
{
    establish(stage);
    probe(stage);
    probe(stage);
    member_margin(stage, 100); /* a small jump: it is not what this is about */
    fail_over(stage);
    return note_numbers(stage);
}

/* --- RPL-8 --------------------------------------------------------------------------------------- */

static void judge_not_turned_back(struct stage *stage, const struct before *b, uint32_t spi, const char *what)
{
    struct peer_numbers had = peer_numbers(stage, spi, 0, b->packet);
    struct peer_numbers has = peer_numbers(stage, spi, b->packet, 0);
    if (!had.packets || !has.packets)
        return;
    check(stage, "RPL-8", has.lowest > had.highest, PACKETS(has.first_packet),
          say(stage, "%s: the peer's numbers on Child SA %08x go on above %llu", what, spi,
              (unsigned long long)had.highest),
          say(stage, "the lowest one behind it is %llu", (unsigned long long)has.lowest));
    if (has.lowest > had.highest)
        observe(stage, "RPL-8", PACKETS(has.first_packet), say(stage, "%s: how far they moved", what),
                say(stage, "by %llu", (unsigned long long)(has.lowest - had.highest)));
}

static void judge_usable(struct stage *stage, const struct before *b, const struct sync_answer *a,
                         const char *what)
{
    struct probed p = try_probe(stage, (struct probe_with){0});
    check(stage, "RPL-8", p.answered, PACKETS(a->request.packet, p.packet, p.answer_packet),
          say(stage, "%s: the Child SA carries traffic as before", what), p.text);
    for (unsigned i = 0; i < b->n; i++)
        judge_not_turned_back(stage, b, b->list[i].spi, what);
}

CASE(rpl_delta_of_wrong_width, .id = "rpl.delta-of-wrong-width", .version = 1,
     .title = "A delta of the wrong width does no harm",
     .story = "The standby takes over and takes the Child SAs for what they are not: it sends a delta of 8 "
              "octets for 32-bit sequence numbers, or one of 4 octets for extended ones.",
     .sent = "A sync request with IPSEC_REPLAY_COUNTER_SYNC that is too wide or too narrow; then an echo "
             "request.",
     .expected = "The echo comes back, and no number of the peer's is at or below one that it has used. "
                 "Whether the delta counts is recorded.",
     .why = "A peer that reads one width for the other moves its counter to where the member cannot follow, "
            "or reads past the end of the notification.",
     .requires = {"RPL-8"}, .needs = NEEDS, .axes = ON(ESN) | ON(CHILDREN),
     .not_axes = ON(NAT) | ON(REPLAY_SYNC))
{
    struct before b = begin(stage);
    bool esn = b.n > 0 && b.list[0].esn;
    struct sync_answer a = try_synchronize_counters(stage, sync_numbers(stage), 5000, esn ? 4 : 8);
    judge_usable(stage, &b, &a, esn ? "a delta of 4 octets" : "a delta of 8 octets");
}

CASE(rpl_delta_of_zero, .id = "rpl.delta-of-zero", .version = 1,
     .title = "A delta of 0 turns no counter back",
     .story = "The standby takes over, and knows that it has missed none of the peer's packets.",
     .sent = "A sync request with IPSEC_REPLAY_COUNTER_SYNC and a delta of 0; then an echo request.",
     .expected = "The echo comes back, and no number of the peer's is at or below one that it has used. How "
                 "far they move is recorded.",
     .why = "A peer that takes 0 for \"begin anew\" uses numbers, and counter-mode IVs, a second time.",
     .requires = {"RPL-8"}, .needs = NEEDS, .axes = ON(ESN) | ON(CHILDREN),
     .not_axes = ON(NAT) | ON(REPLAY_SYNC))
{
    struct before b = begin(stage);
    struct sync_answer a = try_synchronize_counters(stage, sync_numbers(stage), 0, 0);
    judge_usable(stage, &b, &a, "a delta of 0");
}

CASE(rpl_delta_that_would_wrap, .id = "rpl.delta-that-would-wrap", .version = 1,
     .title = "A delta that would make the counter wrap does not",
     .story = "The standby takes over and asks the peer to move its counters on by more than is left of "
              "them: all that the field holds.",
     .sent = "A sync request with IPSEC_REPLAY_COUNTER_SYNC and a delta of all ones; then echo requests.",
     .expected = "An echo comes back, on this Child SA or on one that takes its place, and no number of the "
                 "peer's is at or below one that it has used.",
     .why = "A counter never wraps under one key (RFC 4303): a number would be used twice, and with a "
            "counter mode an IV.",
     .requires = {"RPL-8"}, .needs = NEEDS, .axes = ON(ESN) | ON(CHILDREN),
     .not_axes = ON(NAT) | ON(REPLAY_SYNC))
{
    struct before b = begin(stage);
    uint64_t all_ones = b.n > 0 && b.list[0].esn ? UINT64_MAX : UINT32_MAX;
    struct sync_answer a = try_synchronize_counters(stage, sync_numbers(stage), all_ones, 0);
    judge_usable(stage, &b, &a, "a delta of all ones");
}

/* --- RPL-1: of no other IKE SA ------------------------------------------------------------------- */

static bool is_among(const struct child_sa *list, unsigned n, uint32_t spi)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i].spi == spi)
            return true;
    return false;
}

/* On the other IKE SA; what the peer answers on the session is deleted until it has nothing else left. */
static void judge_other_stays(struct stage *stage, const struct before *b, uint32_t other,
                              unsigned sync_packet)
{
    uint64_t had = peer_numbers(stage, other, 0, b->packet).highest;
    struct probed p = probe_over(stage, other);
    for (unsigned left = b->n; p.answer_spi != other && left > 0; left--) {
        if (!is_among(b->list, b->n, p.answer_spi) || !delete_child_sa(stage, p.answer_spi))
            break;
        p = probe_over(stage, other);
    }
    if (p.answer_spi != other) {
        not_judged(stage, "RPL-1", "the other IKE SA: the peer does not answer on its Child SA");
        return;
    }
    uint64_t next = peer_numbers(stage, other, b->packet, 0).lowest;
    check(stage, "RPL-1", next > had && next <= had + SLACK, PACKETS(sync_packet, p.answer_packet),
          say(stage, "the peer's next number on Child SA %08x of the other IKE SA is %llu and a little",
              other, (unsigned long long)had),
          say(stage, "it is %llu", (unsigned long long)next));
}

CASE(
    rpl_delta_leaves_other, .id = "rpl.delta-leaves-other-ike-sas", .version = 1,
    .title = "The delta moves no counter of another IKE SA",
    .story = "The same two ends have two IKE SAs, each with a Child SA that carries traffic. One of them is "
             "synchronized, with a delta.",
    .sent = "A sync request with IPSEC_REPLAY_COUNTER_SYNC on one IKE SA; then echo requests over the Child "
            "SAs of both.",
    .expected = "The numbers of the synchronized one jump by the delta, those of the other one go on by one.",
    .why = "In a load-sharing cluster each member synchronizes the IKE SAs that it took over. Those of the "
           "others have lost nothing.",
    .requires = {"RPL-1"}, .needs = NEEDS, .axes = ON(ESN), .not_axes = ON(NAT) | ON(REPLAY_SYNC))
{
    const uint64_t delta = 5000;
    struct child_sa other;
    establish(stage);
    probe(stage);
    open_other_session(stage);
    if (child_sas_of_other(stage, &other, 1) == 0)
        inconclusive(stage, "the second IKE SA has no Child SA");
    probe_over(stage, other.spi);
    struct before b = note_numbers(stage);
    struct sync_answer a = synchronize_counters(stage, sync_numbers(stage), delta);
    struct probed p = probe(stage);
    uint64_t had = peer_numbers(stage, p.answer_spi, 0, b.packet).highest;
    if (is_among(b.list, b.n, p.answer_spi))
        check(stage, "RPL-1", p.answer_seq > had + delta && p.answer_seq <= had + delta + SLACK,
              PACKETS(a.request.packet, p.answer_packet),
              say(stage, "the peer's next number on Child SA %08x is %llu + %llu and a little", p.answer_spi,
                  (unsigned long long)had, (unsigned long long)delta),
              say(stage, "it is %llu", (unsigned long long)p.answer_seq));
    judge_other_stays(stage, &b, other.spi, a.request.packet);
    close_other_session(stage);
}

/* --- alone --------------------------------------------------------------------------------------- */

static void play_alone(struct stage *stage, const char *agreed)
{
    const uint64_t delta = 5000;
    uint8_t room[64];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer chain = payloads_into(&w);
    probe(stage);
    struct before b = note_numbers(stage);
    write_replay_counter_sync(&chain, b.n > 0 && b.list[0].esn, delta);
    struct asked a = ask_with_chain(stage, chain.first, writer_octets(&w), NULL);
    struct probed p = try_probe(stage, (struct probe_with){0});
    uint64_t had = peer_numbers(stage, p.answer_spi, 0, b.packet).highest;
    observe(stage, "FMT-10", PACKETS(a.request_packet, a.answer_packet, p.answer_packet), agreed,
            say(stage, "the request is %sanswered; the peer's counter moved by %llu",
                a.answered ? "" : "not ", (unsigned long long)(p.answered ? p.answer_seq - had : 0)));
}

CASE(rpl_delta_alone, .id = "rpl.delta-alone", .version = 1,
     .title = "A delta on its own, in an ordinary request",
     .story = "The member has nothing to say of message IDs, or they were not agreed on: it tells the delta "
              "in an ordinary INFORMATIONAL request.",
     .sent =
         "N(IPSEC_REPLAY_COUNTER_SYNC) alone under the member's next ID: where both synchronizations were "
         "agreed on, and where only that of replay counters was.",
     .expected =
         "Whatever the peer does. What is recorded: whether it answers, and how far its counter moves.",
     .why = "RFC 6311 negotiates the two apart, and says of the delta only that it stands beside a sync of "
            "message IDs.",
     .requires = {"FMT-10"}, .needs = NEED_REPLAY_COUNTER_SYNC | NEED_ESP, .axes = ON(ESN),
     .not_axes = ON(NAT) | ON(REPLAY_SYNC))
{
    establish(stage);
    play_alone(stage, "both were agreed on");
    end_session(stage);
    cluster_announces(stage, false, true);
    establish(stage);
    play_alone(stage, "replay counters alone were agreed on");
}
