#include "cases/takeover.h"

/* Is it done in a session of this kind that has seen no failover? */
static bool is_done_without_failover(struct stage *stage, bool by_peer, const char *what)
{
    end_session(stage);
    establish(stage);
    return (by_peer ? peer_does(stage, what) : member_does(stage, what)).done;
}

static bool judge_act(struct stage *stage, const char *requirement, bool by_peer, const char *what)
{
    const char *who = by_peer ? "peer" : "member";
    struct act a = by_peer ? peer_does(stage, what) : member_does(stage, what);
    if (!a.possible) {
        not_judged(stage, requirement, say(stage, "the peer's driver has no trigger \"%s\"", what));
        return true;
    }
    if (!a.done && !is_done_without_failover(stage, by_peer, what))
        inconclusive(
            stage,
            "%s by the %s (packet %u): %s, and it is not completed in a session without failover either",
            what, who, a.packet, a.seen);
    check(stage, requirement, a.done, PACKETS(a.packet), say(stage, "%s by the %s is completed", what, who),
          a.seen);
    return a.done;
}

void must_be_in_step(struct stage *stage)
{
    struct asked ours = ask(stage);
    if (!ours.answered)
        inconclusive(stage, "after the sync the request with ID %u (packet %u) is not answered (SYNC-7)",
                     ours.message_id, ours.request_packet);
    struct act theirs = peer_does(stage, "liveness");
    if (theirs.possible && !theirs.done)
        inconclusive(stage,
                     "after the sync the peer's own request (packet %u) has no ID that can be answered "
                     "(SYNC-7)",
                     theirs.packet);
}

void judge_goes_on(struct stage *stage, const char *requirement)
{
    static const char *const acts[] = {"liveness", "rekey-child", "add-child", "delete-child", "rekey-ike"};
    must_be_in_step(stage);
    for (unsigned i = 0; i < sizeof acts / sizeof *acts; i++)
        if (!judge_act(stage, requirement, false, acts[i]) || !judge_act(stage, requirement, true, acts[i]))
            return;
    judge_member_is_heard(stage, requirement);
}

unsigned requests_behind(const struct stage *stage)
{
    static const unsigned requests[] = {[BEHIND_NONE] = 0, [BEHIND_ONE] = 1, [BEHIND_MANY] = 8};
    return requests[axis_of(stage, AXIS_BEHIND)];
}

void judge_children_out_of_step(struct stage *stage, const char *requirement)
{
    uint32_t spis[16];
    unsigned n = children_of_member(stage, spis, sizeof spis / sizeof *spis);
    for (unsigned i = 0; i < n; i++) {
        struct act a = member_does(stage, "delete-child");
        check(stage, requirement, a.done, PACKETS(a.packet),
              "a delete is answered, of a Child SA that the other end knows or does not know", a.seen);
    }
    struct asked told = tell_invalid_spi(stage, n ? spis[0] : 0xfedcba98);
    check(stage, requirement, told.answered, PACKETS(told.request_packet),
          "INVALID_SPI for a packet of an unknown SA is answered, and harms nothing",
          told.answered ? "it is answered" : "it is not answered");
    judge_member_is_heard(stage, requirement);
}
