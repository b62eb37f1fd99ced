/* SYNC-18: sync beside the other extensions of a session. */
#include "stage/extensions.h"

#include "cases/story.h"

enum { HALF_A_SYNC = 12 }; /* of the 20 octets of the notify: two fragments */

static void judge_sync_in_fragments(struct stage *stage)
{
    if (!member_fragments(stage, HALF_A_SYNC)) {
        synchronize(stage, sync_numbers(stage));
        return;
    }
    struct sync_answer a = try_synchronize(stage, sync_numbers(stage));
    if (a.request.packet && fragments_of(stage, a.request.packet) < 2)
        inconclusive(stage, "the sync request (packet %u) was to go in fragments, and did not",
                     a.request.packet);
    judge_answered(stage, "SYNC-18", &a);
}

/* The first of as many requests as the peer's window holds gets lost. */
static void judge_peer_window(struct stage *stage)
{
    unsigned window = peer_window(stage);
    if (window < 2) {
        not_judged(stage, "SYNC-18", "the peer's window after a sync: it accepts one request at a time");
        return;
    }
    unsigned n = window < 5 ? window : 5, answered = ask_with_gap(stage, n, 1);
    check(stage, "SYNC-18", answered == n - 1, NO_PACKETS,
          say(stage, "after the sync the peer still accepts %u requests at once", n),
          say(stage, "of %u behind a lost one, %u were answered", n - 1, answered));
}

static void judge_own_requests(struct stage *stage)
{
    int window = (int)member_window(stage), sent = peer_asks_at_once(stage, member_window(stage) + 1);
    if (sent < 0) {
        not_judged(stage, "SYNC-18", "the peer's requests after a sync: its driver has no trigger for one");
        return;
    }
    check(stage, "SYNC-18", sent <= window, NO_PACKETS,
          say(stage, "after the sync the peer keeps to the cluster's window of %d", window),
          say(stage, "%d requests of its own were outstanding at once", sent));
    let_peer_requests_through(stage);
}

CASE(sync_with_extensions, .id = "sync.fragments-and-windows", .version = 1,
     .title = "Sync works in fragments, and leaves the windows as they were",
     .story = "The session has IKE fragmentation, MOBIKE and windows of some size. The member that takes "
              "over sends its sync request in two fragments, and its next requests in one each. Then both "
              "sides use their windows to the full. Another failover is synchronized in a single message.",
     .sent = "A sync request in fragments, ordinary requests in fragments; as many requests at once as the "
             "peer's window allows; a whole sync request.",
     .expected = "Both syncs are answered; neither side's window has another size than before.",
     .why = "Where the path drops large packets all of IKE may go in fragments, and a window that shrinks "
            "or grows at a failover stalls the session or breaks it.",
     .requires = {"SYNC-18"}, .needs = NEED_MESSAGE_ID_SYNC,
     .axes = ON(REQUESTS_SEEN) | ON(FRAGMENTATION) | ON(WINDOW) | ON(MOBIKE) | ON(ALGORITHMS))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    fail_over(stage);
    judge_sync_in_fragments(stage);
    exchange_requests(stage, 2);
    judge_own_requests(stage);
    judge_peer_window(stage);
    fail_over(stage);
    synchronize(stage, sync_numbers(stage));
    exchange_requests(stage, 1);
}
