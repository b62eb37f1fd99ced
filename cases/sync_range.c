/* SYNC-15: the ends of the range of message IDs. */
#include "cases/story.h"
#include "cases/unmoved.h"

static const uint32_t ends[] = {0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
enum { ENDS = sizeof ends / sizeof *ends };

static struct ids begin_session_of(struct stage *stage)
{
    establish(stage);
    struct ids seen = ids_seen(stage);
    fail_over(stage);
    return seen;
}

/* A peer that does not follow such a number must go on as if it never came. */
static bool judge_followed_or_ignored(struct stage *stage, const struct sync_answer *a, uint32_t value)
{
    demand_readable(stage, a);
    if (a->answered)
        return true;
    struct asked next = ask(stage);
    check(stage, "SYNC-15", next.answered,
          PACKETS(a->request.packet, next.request_packet, next.answer_packet),
          say(stage, "%#x, not answered: the ordinary request with ID %u is", value, next.message_id),
          next.answered ? "it is" : "it is not");
    return false;
}

/* --- M1 ------------------------------------------------------------------------------------------ */

/* SYNC-7, at the end of the range too. The last ID of all is spent on the delete: there is none behind it. */
static void judge_member_uses(struct stage *stage, const struct sync_answer *a)
{
    struct sync_request expected = {
        .message_id = a->m2, .packet = a->packet, .datagram = a->request.datagram};
    bool answered;
    if (a->m2 == UINT32_MAX) {
        end_session(stage);
        answered = response_to(stage, &expected) != 0;
    } else {
        struct asked next = ask(stage);
        answered = next.answered && next.message_id == a->m2;
    }
    check(stage, "SYNC-7", answered, PACKETS(a->request.packet, response_to(stage, &expected)),
          say(stage, "the member's next request, ID M2 = %#x, is answered", a->m2),
          answered ? "it is" : "it is not");
}

static void play_m1(struct stage *stage, uint32_t m1)
{
    struct ids before = begin_session_of(stage);
    struct sync_answer a = try_synchronize(stage, sync_of(stage, m1, before.peer_next));
    if (judge_followed_or_ignored(stage, &a, m1)) {
        check(stage, "SYNC-15", a.m2 >= m1, PACKETS(a.request.packet, a.packet),
              say(stage, "M1 = %#x: M2 is no lower", m1), say(stage, "M2 = %#x", a.m2));
        if (a.m2 >= m1)
            judge_member_uses(stage, &a);
    }
    end_session(stage);
}

CASE(sync_m1_at_the_end, .id = "sync.m1-at-the-end-of-the-range", .version = 1,
     .title = "M1 in the middle and at the end of the range makes no ID wrap",
     .story = "The standby takes over with an M1 near the middle or the end of what 32 bits hold; each value "
              "in a session of its own.",
     .sent = "Sync requests with M1 = 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff; each time "
             "the member's next request.",
     .expected = "M2 not below M1, and the request with ID M2 is answered. Or the peer "
                 "does not follow such an M1, and the session goes on with its ordinary IDs.",
     .why = "An ID that wraps was used before, under the same key. A signed comparison in a peer takes half "
            "of all values for old ones.",
     .requires = {"SYNC-15", "SYNC-7"}, .needs = NEED_MESSAGE_ID_SYNC)
{
    for (unsigned i = 0; i < ENDS; i++)
        play_m1(stage, ends[i]);
}

/* --- P1 ------------------------------------------------------------------------------------------ */

/* The peer's next two requests. Near the end one may stay out: a trigger may take several IDs, and a peer may
 * close or rekey the IKE SA before the last one is used. */
static bool judge_peer_goes_on(struct stage *stage, const struct sync_answer *a, uint32_t p1)
{
    unsigned since = a->packet;
    uint64_t least = p1;
    for (unsigned i = 0; i < 2; i++) {
        bool may_end = p1 >= UINT32_MAX - 1;
        struct peer_asked own = peer_asks_next(stage, since);
        if (!own.possible)
            return false;
        since = own.packet;
        check(stage, "SYNC-15", own.seen ? own.message_id >= least : may_end,
              PACKETS(a->request.packet, own.packet),
              least > UINT32_MAX
                  ? "no request of the peer behind ID 0xffffffff"
                  : say(stage, "request %u of the peer behind the sync has an ID from %#llx on%s", i + 1,
                        (unsigned long long)least, may_end ? ", or there is none" : ""),
              own.seen ? say(stage, "it has ID %#x", own.message_id) : "none came");
        if (!own.seen)
            break;
        least = (uint64_t)own.message_id + 1;
    }
    return true;
}

static void play_p1(struct stage *stage, uint32_t p1)
{
    begin_session_of(stage);
    struct message_id_sync numbers = sync_numbers(stage);
    numbers.expected_recv = p1;
    struct sync_answer a = try_synchronize(stage, numbers);
    if (judge_followed_or_ignored(stage, &a, p1)) {
        check(stage, "SYNC-15", a.p2 >= p1, PACKETS(a.request.packet, a.packet),
              say(stage, "P1 = %#x: P2 is no lower", p1), say(stage, "P2 = %#x", a.p2));
        if (!judge_peer_goes_on(stage, &a, p1))
            not_judged(stage, "SYNC-15", "the IDs of the peer's requests: its driver has no trigger for one");
    }
    end_session(stage);
}

CASE(sync_p1_at_the_end, .id = "sync.p1-at-the-end-of-the-range", .version = 1,
     .title = "P1 in the middle and at the end of the range makes no ID wrap",
     .story = "The standby takes over and expects the peer's next request near the middle or the end of what "
              "32 bits hold; each value in a session of its own. The peer then sends two requests.",
     .sent = "Sync requests with P1 = 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff.",
     .expected = "P2 not below P1, and requests of the peer with IDs from there on; behind 0xffffffff none. "
                 "Or the peer does not follow such a P1, and the session goes on with its ordinary IDs.",
     .why = "When its IDs are used up the IKE SA must be rekeyed or closed. A peer that goes on with 0 "
            "repeats an ID under the same key.",
     .requires = {"SYNC-15"}, .needs = NEED_MESSAGE_ID_SYNC)
{
    for (unsigned i = 0; i < ENDS; i++)
        play_p1(stage, ends[i]);
}
