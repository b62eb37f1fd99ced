#include "cases/takeover.h"

/* In turn, by the member and by the peer. */
static const char *const acts[] = {"liveness", "rekey-child", "add-child", "delete-child", "rekey-ike"};
enum { N_ACTS = 2 * sizeof acts / sizeof *acts };

static bool is_by_peer(unsigned number)
{
    return number % 2 == 1;
}

static struct act perform(struct stage *stage, unsigned number)
{
    const char *what = acts[number / 2];
    return is_by_peer(number) ? peer_does(stage, what) : member_does(stage, what);
}

/* The same acts up to this one in a session of this kind that has seen no failover: is this one done there?
 */
static bool is_done_without_failover(struct stage *stage, unsigned number)
{
    end_session(stage);
    establish(stage);
    for (unsigned i = 0; i < number; i++)
        perform(stage, i);
    return perform(stage, number).done;
}

static bool judge_act(struct stage *stage, const char *requirement, unsigned number)
{
    const char *what = acts[number / 2], *who = is_by_peer(number) ? "peer" : "member";
    struct act a = perform(stage, number);
    if (!a.possible) {
        not_judged(stage, requirement, say(stage, "the peer's driver has no trigger \"%s\"", what));
        return true;
    }
    if (!a.done && !is_done_without_failover(stage, number))
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
    must_be_in_step(stage);
    for (unsigned number = 0; number < N_ACTS; number++)
        if (!judge_act(stage, requirement, number))
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
