/* SEC-3, SEC-4: two IKE SAs of the same ends, and what a sync or a flood of them on one does to the other. */
#include "cases/story.h"
#include "cases/unmoved.h"
#include "stage/sessions.h"

/* As many as a peer can take that has other things to do; bursts, since what overflows a socket buffer proves
 * nothing. */
enum { BURSTS = 8, BURST = 25, FORGED_AHEAD = 1000000 };

struct tally {
    unsigned asked, answered, packet; /* of the first that was not answered, else the last */
    int64_t slowest_us;
};

static void ask_other(struct stage *stage, struct tally *t)
{
    struct other_asked a = ask_on_other(stage);
    bool all = t->asked == t->answered;
    t->asked++;
    t->answered += a.asked.answered;
    if (a.after_us > t->slowest_us)
        t->slowest_us = a.after_us;
    if (all)
        t->packet = a.asked.request_packet;
}

static void judge_other(struct stage *stage, const struct tally *t, const char *during)
{
    check(stage, "SEC-3", t->answered == t->asked, PACKETS(t->packet),
          say(stage, "%s: requests on the other IKE SA are answered", during),
          say(stage, "%u of %u, the slowest after %lld ms", t->answered, t->asked,
              (long long)(t->slowest_us / 1000)));
}

static void judge_flooded(struct stage *stage, uint64_t m1, uint64_t p1)
{
    struct sync_answer last = try_synchronize(stage, sync_of(stage, m1, p1));
    check(stage, "SEC-3", last.answered && last.m2 < m1 + FORGED_AHEAD,
          PACKETS(last.request.packet, last.packet),
          say(stage,
              "after the flood a sync with M1 = %llu is answered, with an M2 below %llu, the forgers' M1",
              (unsigned long long)m1, (unsigned long long)m1 + FORGED_AHEAD),
          last.answered ? say(stage, "M2 = %u", last.m2) : "no answer");
    if (last.answered)
        judge_member_is_heard(stage, "SEC-3");
}

CASE(sec_flood, .id = "sec.flood-of-syncs", .version = 1,
     .title = "A flood of sync requests neither exhausts the peer nor stalls another IKE SA",
     .story = "A member gone wild sends sync requests, each with a higher M1; then somebody without the keys "
              "does the same. On a second IKE SA the same peer is asked ordinary things all the while.",
     .sent = "200 sync requests with rising M1 in bursts of 25; 200 with a wrong ICV and an M1 far above; an "
             "ordinary request on the other IKE SA behind each burst.",
     .expected = "All requests on the other IKE SA are answered in their time. The flooded one lives: a sync "
                 "with the next higher M1 is answered, with an M2 that no forged one set, and used.",
     .why = "Message ID 0 passes every window, so nothing but the peer's own care limits how many there are.",
     .requires = {"SEC-3"}, .needs = NEED_MESSAGE_ID_SYNC)
{
    establish(stage);
    /* One that follows no second sync is not exhausted by many. */
    bool follows = try_synchronize(stage, sync_numbers(stage)).answered &&
                   try_synchronize(stage, far_ahead(stage)).answered;
    open_other_session(stage);
    struct ids seen = ids_seen(stage);
    struct tally valid = {0}, forged = {0};
    unsigned answered = 0;
    uint64_t m1 = (uint64_t)seen.cluster_highest + 1;
    for (unsigned i = 0; i < BURSTS; i++, m1 += BURST) {
        answered += flood_with_syncs(stage, BURST, m1, seen.peer_next);
        ask_other(stage, &valid);
    }
    judge_other(stage, &valid, say(stage, "%u valid syncs, %u of them answered", BURSTS * BURST, answered));
    for (unsigned i = 0; i < BURSTS; i++) {
        flood_with_forgeries(stage, BURST, m1 + FORGED_AHEAD, seen.peer_next);
        ask_other(stage, &forged);
    }
    judge_other(stage, &forged, say(stage, "%u forged syncs", BURSTS * BURST));
    if (follows)
        judge_flooded(stage, m1, seen.peer_next);
    else
        not_judged(stage, "SEC-3",
                   "the flooded IKE SA: two syncs in a row were not answered before it either");
    close_other_session(stage);
}

static void judge_first_after_sync_on_second(struct stage *stage)
{
    unsigned packet;
    struct ids mine = ids_seen(stage), other = ids_of_other(stage);
    bool followed =
        synchronize_other(stage, sync_of(stage, other.cluster_next + 1000, other.peer_next + 1000), &packet);
    struct asked next = ask(stage);
    check(stage, "SEC-4", next.answered && next.message_id == mine.cluster_next,
          PACKETS(packet, next.request_packet, next.answer_packet),
          say(stage, "a sync on the second IKE SA, %s: ID %llu is answered on the first",
              followed ? "answered" : "not answered", (unsigned long long)mine.cluster_next),
          next.answered ? say(stage, "ID %u is", next.message_id) : "it is not");
    struct peer_asked own = peer_asks_next(stage, mine.packet);
    if (own.possible && own.seen)
        check(stage, "SEC-4", own.message_id == mine.peer_next, PACKETS(packet, own.packet),
              say(stage, "the peer's next request on the first has ID %llu",
                  (unsigned long long)mine.peer_next),
              say(stage, "it has ID %u", own.message_id));
}

CASE(sec_other_sa, .id = "sec.sync-stays-in-its-sa", .version = 1,
     .title = "A sync on one IKE SA does nothing to another of the same peer",
     .story = "The cluster has two IKE SAs with the peer. It synchronizes the first, with an M1 far ahead, "
              "and looks at the second; then the other way round.",
     .sent = "A sync request far ahead on each of two IKE SAs, one after the other; ordinary requests on the "
             "one that was not meant.",
     .expected = "The IKE SA that was not meant goes on with its ordinary IDs, in both directions.",
     .why = "Message IDs belong to one IKE SA. A cluster may fail over with some of them and not with "
            "others.",
     .requires = {"SEC-4"}, .needs = NEED_MESSAGE_ID_SYNC)
{
    establish(stage);
    exchange_requests(stage, 1);
    open_other_session(stage);
    struct ids mine = ids_seen(stage);
    struct sync_answer a = try_synchronize(stage, sync_of(stage, mine.cluster_next + 1000, mine.peer_next));
    bool heard = ask(stage).answered;
    struct other_asked there = ask_on_other(stage);
    check(stage, "SEC-4", there.asked.answered,
          PACKETS(a.request.packet, there.asked.request_packet, there.asked.answer_packet),
          say(stage, "a sync on the first IKE SA, %s: ID %u is answered on the second",
              a.answered ? "answered" : "not answered", there.asked.message_id),
          there.asked.answered ? "it is" : "it is not");
    if (heard)
        judge_first_after_sync_on_second(stage);
    else
        not_judged(stage, "SEC-4", "the first IKE SA: its own sync left it mute");
    close_other_session(stage);
}
