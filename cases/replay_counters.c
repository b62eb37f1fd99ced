/* Sequence numbers of ESP across a failover: what the peer must add to its own, and what it must accept of
 * the member's. */
#include "cases/story.h"
#include "stage/traffic.h"

enum { MANY = 3, SLACK = 100 };

/* NULL: it was made since. */
static const struct child_sa *among(const struct child_sa *list, unsigned n, uint32_t spi)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i].spi == spi)
            return &list[i];
    return NULL;
}

/* What the peer's counter is where nothing was added: some packets more than were seen, when some were lost.
 */
static void judge_moved(struct stage *stage, const struct probed *p, uint64_t before, uint64_t delta,
                        unsigned sync_packet)
{
    bool moved = p->answer_seq > before + delta && p->answer_seq <= before + delta + SLACK;
    check(stage, "RPL-1", moved, PACKETS(sync_packet, p->answer_packet),
          say(stage, "the peer's next number on Child SA %08x is %llu + %llu and a little", p->answer_spi,
              (unsigned long long)before, (unsigned long long)delta),
          say(stage, "it is %llu", (unsigned long long)p->answer_seq));
}

CASE(
    rpl_delta_moves_all, .id = "rpl.delta-moves-every-child-sa", .version = 1,
    .title = "The peer adds the delta to its outgoing counter of every Child SA",
    .story =
        "Traffic flows, the standby takes over, and its sync request tells how many packets of the peer's it "
        "may have missed. Then the Child SA on which the peer answers is deleted, until each one had its "
        "turn.",
    .sent = "A sync request with IPSEC_REPLAY_COUNTER_SYNC; then echo requests, and deletes of Child SAs.",
    .expected = "The first packet of the peer on each Child SA has a number that is higher by the delta.",
    .why =
        "A new member does not know which of the peer's numbers the failed one has received. Below the delta "
        "it could not tell a replay.",
    .requires = {"RPL-1"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_REPLAY_COUNTER_SYNC | NEED_ESP,
    .axes = ON(CHILDREN) | ON(ESN), .not_axes = ON(NAT) | ON(REPLAY_SYNC))
{
    const uint64_t delta = 5000;
    struct child_sa before[TRAFFIC_MAX_SAS];
    establish(stage);
    if (axis_of(stage, AXIS_CHILDREN) == CHILDREN_SEVERAL)
        make_child_sas(stage, MANY);
    probe(stage);
    probe(stage);
    fail_over(stage);
    unsigned n = child_sas(stage, before, TRAFFIC_MAX_SAS);
    struct sync_answer a = synchronize_counters(stage, sync_numbers(stage), delta);
    unsigned judged = 0;
    for (unsigned left = n; left > 0; left--) {
        struct probed p = probe(stage);
        const struct child_sa *sa = among(before, n, p.answer_spi);
        judged += sa != NULL;
        if (sa) /* one that a rekey made behind the sync begins at 1 */
            judge_moved(stage, &p, sa->received, delta, a.request.packet);
        if (left > 1 && !delete_child_sa(stage, p.answer_spi))
            inconclusive(stage, "the peer did not answer the delete of Child SA %08x", p.answer_spi);
    }
    if (judged == 0)
        not_judged(stage, "RPL-1", "the delta: behind the sync the peer used new Child SAs only");
}

CASE(
    rpl_jumps_are_accepted, .id = "rpl.jump-is-accepted", .version = 1,
    .title = "The peer accepts a jump of the member's sequence numbers",
    .story =
        "One member after the other takes over. Each adds more to the numbers that it knows of, as it cannot "
        "know how many the failed one has used since.",
    .sent = "Echo requests whose sequence numbers jump by 1, by the window, by 10 000 and by 2^30.",
    .expected = "Each is answered.",
    .why = "RFC 4303 puts no limit to how far a number may be ahead; a peer with one cuts the traffic off.",
    .requires = {"RPL-3"}, .needs = NEED_ESP, .axes = ON(CHILDREN) | ON(ESN), .not_axes = ON(NAT))
{
    static const uint64_t jumps[] = {1, 64, 10000, UINT64_C(1) << 30};
    establish(stage);
    probe(stage);
    for (unsigned i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        member_margin(stage, jumps[i]);
        fail_over(stage);
        struct probed p = try_probe(stage, (struct probe_with){0});
        check(stage, "RPL-3", p.answered, PACKETS(p.packet, p.answer_packet),
              say(stage, "number %llu, a jump by %llu, is answered", (unsigned long long)p.seq,
                  (unsigned long long)jumps[i]),
              p.text);
    }
}
