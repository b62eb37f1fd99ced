/* RPL-2, RPL-6, RPL-9: what a cluster that fails over must do with its own numbers. The peer under test is
 * that cluster. */
#include "cases/story.h"
#include "cases/takeover.h"
#include "stage/traffic.h"

enum { NEEDS = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER | NEED_ESP, A_FEW = 4 };

static void probe_often(struct stage *stage, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        probe(stage);
}

/* The last packet before it. */
static unsigned let_peer_fail_over(struct stage *stage)
{
    wait_out_grace(stage); /* what is late of the failed member's comes before */
    unsigned before = last_packet(stage);
    peer_fails_over(stage);
    struct sync_request theirs = await_peer_sync(stage, before);
    peer_sync_settles(stage, &theirs);
    return before;
}

/* --- RPL-2 --------------------------------------------------------------------------------------- */

/* False: there is nothing to judge. */
static bool judge_above(struct stage *stage, uint32_t spi, unsigned before)
{
    struct peer_numbers had = peer_numbers(stage, spi, 0, before);
    struct peer_numbers has = peer_numbers(stage, spi, before, 0);
    if (!had.packets || !has.packets)
        return false;
    check(stage, "RPL-2", has.lowest > had.highest, PACKETS(before, has.first_packet),
          say(stage,
              "the new member's numbers on Child SA %08x are above %llu, the last one of the failed member",
              spi, (unsigned long long)had.highest),
          say(stage, "the lowest one is %llu", (unsigned long long)has.lowest));
    return true;
}

CASE(
    rpl_peer_moves_on, .id = "rpl.peer-member-moves-on", .version = 1,
    .title = "The next member of a peer that is a cluster goes on above all numbers that were used",
    .story =
        "The peer is a cluster, and traffic flows. Its active member fails; the standby takes over. It knows "
        "the counters as they were when the last update came: of the last packet, of the one before, or of "
        "long ago.",
    .sent = "Echo requests before the failover and behind the peer's sync.",
    .expected = "The new member's first number on each Child SA is above all that the failed one has used.",
    .why = "A number that comes again is a replay to the other side: it drops the new member's packets until "
           "the numbers have caught up.",
    .requires = {"RPL-2"}, .needs = NEEDS, .axes = ON(CHILDREN) | ON(ESN) | ON(BEHIND), .not_axes = ON(NAT))
{
    struct child_sa list[TRAFFIC_MAX_SAS];
    establish(stage);
    probe_often(stage, A_FEW);
    unsigned behind = requests_behind(stage);
    if (behind)
        peer_loses_updates(stage);
    probe_often(stage, behind);
    unsigned before = let_peer_fail_over(stage);
    struct probed p = try_probe(stage, (struct probe_with){0});
    unsigned n = child_sas(stage, list, TRAFFIC_MAX_SAS);
    bool any = false;
    for (unsigned i = 0; i < n; i++)
        any |= judge_above(stage, list[i].spi, before);
    if (!any)
        inconclusive(stage, "behind the failover no echo came back over a Child SA that was used before: %s",
                     p.text);
}

/* --- RPL-6 --------------------------------------------------------------------------------------- */

/* The number of packets that are left on 32 bits; more than any member adds when it takes over. */
enum { LEFT = 1 << 22 };

static void move_near_the_end(struct stage *stage, uint32_t spi, uint64_t used)
{
    uint64_t delta = UINT32_MAX - LEFT - used;
    struct sync_answer a = synchronize_counters(stage, sync_numbers(stage), delta);
    struct probed p = try_probe(stage, (struct probe_with){0});
    struct peer_numbers has = peer_numbers(stage, spi, a.request.packet, 0);
    if (p.answered && has.packets && has.highest < delta)
        inconclusive(stage, "the peer does not add the delta to its counter (packet %u; RPL-1)",
                     p.answer_packet);
}

CASE(rpl_peer_rekeys, .id = "rpl.peer-rekeys-after-large-jump", .version = 1,
     .title = "A cluster whose numbers have made a very large jump rekeys the Child SA soon",
     .story = "The peer is a cluster. A delta carries its counter near the end of what 32 bits hold, as many "
              "failovers with large margins would. Unless it makes a new Child SA at once, its active member "
              "fails, "
              "and the next one adds its margin on top.",
     .sent =
         "A sync request with a delta that leaves 4 million numbers; then, behind the peer's own sync, echo "
         "requests.",
     .expected =
         "The peer replaces the Child SA of itself in the time that it has for an answer. No number on "
         "the old one is at or below one that was used.",
     .why = "At the end of the numbers an SA carries nothing any more. A jump brings that close within a "
            "moment, and no lifetime in seconds or packets foresees it.",
     .requires = {"RPL-6"}, .needs = NEEDS | NEED_REPLAY_COUNTER_SYNC,
     .not_axes = ON(NAT) | ON(ESN) | ON(REPLAY_SYNC) | ON(CHILDREN))
{
    establish(stage);
    struct probed p = probe(stage);
    unsigned before = last_packet(stage);
    move_near_the_end(stage, p.answer_spi, p.answer_seq);
    bool replaced = await_successor(stage, p.answer_spi);
    if (!replaced) {
        let_peer_fail_over(stage);
        try_probe(stage, (struct probe_with){0});
        replaced = await_successor(stage, p.answer_spi);
    }
    struct peer_numbers has = peer_numbers(stage, p.answer_spi, before, 0);
    check(stage, "RPL-6", replaced, PACKETS(has.first_packet),
          say(stage, "the peer replaces Child SA %08x, whose numbers come to their end", p.answer_spi),
          replaced ? "it does" : "it does not");
    check(stage, "RPL-6", !has.packets || has.lowest > p.answer_seq, PACKETS(has.first_packet),
          "no number wraps",
          say(stage, "from %llu to %llu", (unsigned long long)has.lowest, (unsigned long long)has.highest));
}

/* --- RPL-9 --------------------------------------------------------------------------------------- */

CASE(rpl_peer_ivs, .id = "rpl.members-share-no-iv", .version = 1,
     .title = "The members of a cluster never use one counter-mode IV twice under one key",
     .story = "The peer is a cluster, and traffic flows. Its members take over one after the other, and each "
              "goes on with the keys of the one before.",
     .sent = "Echo requests before, between and behind two failovers of the peer.",
     .expected = "The IVs of the peer's packets on one Child SA are all different, whichever member sealed "
                 "them.",
     .why = "A counter mode whose IV comes twice under one key gives away the text of both packets, and with "
            "GCM the key of the integrity check.",
     .requires = {"RPL-9"}, .needs = NEEDS, .axes = ON(ALGORITHMS) | ON(ESN) | ON(CHILDREN),
     .not_axes = ON(NAT))
{
    enum { FAILOVERS = 2 };
    establish(stage);
    probe_often(stage, A_FEW);
    for (unsigned i = 0; i < FAILOVERS; i++) {
        let_peer_fail_over(stage);
        probe_often(stage, A_FEW);
    }
    struct peer_ivs ivs = peer_ivs(stage);
    if (!ivs.counter_mode) {
        observe(stage, "RPL-9", NO_PACKETS, "ESP with a counter mode",
                "the Child SA has none: its IVs are not counted");
        return;
    }
    check(stage, "RPL-9", !ivs.again, PACKETS(ivs.first, ivs.again),
          "the IVs of all members on one Child SA are different",
          ivs.again ? say(stage, "packets %u and %u have the same one", ivs.first, ivs.again)
                    : say(stage, "those of %u packets are", ivs.packets));
}
