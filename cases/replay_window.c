/* The peer's replay window across a failover: what it must drop, what it must follow, what it may do. */
#include "cases/story.h"
#include "stage/standby.h"
#include "stage/traffic.h"

/* More than any window in use is wide. */
enum { FAR_BELOW = 20000 };

CASE(rpl_replays_are_dropped, .id = "rpl.replay-is-dropped", .version = 1,
     .title = "The peer drops replayed ESP packets, before and after a failover",
     .story =
         "Somebody has recorded the members' packets and sends some of them again: one that was just "
         "answered, "
         "one that is far below the numbers in use by now, and both kinds once more when the next member has "
         "taken over.",
     .sent = "Echo requests that were answered before, the same octets again: inside the replay window and "
             "below it.",
     .expected = "None is answered again, and the next packet of the member is.",
     .why =
         "A failover must not open the door for replays: a peer that forgets what it has received when the "
         "numbers jump, or when it synchronizes, takes them all.",
     .requires = {"RPL-4"}, .needs = NEED_ESP, .axes = ON(CHILDREN) | ON(ESN), .not_axes = ON(NAT))
{
    establish(stage);
    struct probed old = probe(stage);
    check_no_echo(stage, "RPL-4", &old, replay(stage, &old), "no answer to a replay inside the window");
    if (!member_jumps(stage, FAR_BELOW))
        inconclusive(stage, "the member's counter cannot move on");
    struct probed late = probe(stage);
    check_no_echo(stage, "RPL-4", &old, replay(stage, &old), "no answer to a replay below the window");
    fail_over(stage);
    check_no_echo(stage, "RPL-4", &late, replay(stage, &late),
                  "after the failover, before any packet of the new member: no answer to a replay");
    struct probed fresh = probe(stage);
    check_no_echo(stage, "RPL-4", &fresh, replay(stage, &fresh),
                  "after the failover: no answer to a replay inside the window");
    check_no_echo(stage, "RPL-4", &late, replay(stage, &late),
                  "after the failover: no answer to a replay below the window");
}

/* --- RPL-5 --------------------------------------------------------------------------------------- */

static const uint64_t boundary = UINT64_C(1) << 32;

/* The member's counter stands there afterwards. */
static void move_to(struct stage *stage, uint64_t number)
{
    struct child_sa sa;
    if (child_sas(stage, &sa, 1) == 0 || !member_jumps_on(stage, sa.spi, number - sa.sent))
        inconclusive(stage, "the member's counter cannot be moved to %llu", (unsigned long long)number);
}

static void judge_followed(struct stage *stage, uint64_t seq, const char *what)
{
    struct probed p = try_probe(stage, (struct probe_with){.seq = seq});
    check(stage, "RPL-5", p.answered, PACKETS(p.packet, p.answer_packet),
          say(stage, "%s: number %llu is answered", what, (unsigned long long)p.seq), p.text);
}

CASE(rpl_esn_boundary, .id = "rpl.jump-over-the-high-half", .version = 1,
     .title = "The peer follows extended sequence numbers over a multiple of 2^32",
     .story =
         "The Child SA has extended sequence numbers, of which only the low half is sent. The numbers come "
         "near 2^32; the next member takes over, and its jump carries them over it. A packet from below, "
         "which "
         "was overtaken, arrives behind it. Later a jump crosses the next multiple.",
     .sent =
         "Echo requests with numbers below, behind and again below 2^32 inside the window, and behind 2^33 "
         "after a jump; and one of those below again.",
     .expected = "Each is answered, but for the one that was sent again.",
     .why = "The high half is part of the integrity check. A peer that does not count it up with the jump "
            "drops everything that follows.",
     .requires = {"RPL-5", "RPL-4"}, .needs = NEED_ESP, .not_axes = ON(NAT) | ON(ESN))
{
    enum { BELOW = 24, OVER = 4, ABOVE_ANY_WINDOW = 1 << 20 };
    cluster_uses_esn(stage);
    establish(stage);
    probe(stage);
    /* As long as the peer's window reaches below 0, a low half near 2^32 means a number below it (RFC 4303
     * A2.2). */
    move_to(stage, ABOVE_ANY_WINDOW);
    probe(stage);
    move_to(stage, boundary - BELOW - 1);
    judge_followed(stage, 0, "near the end of the low half");
    struct probed below = probe(stage);
    member_margin(stage, BELOW + OVER);
    fail_over(stage);
    judge_followed(stage, 0, "a failover over 2^32");
    judge_followed(stage, boundary - BELOW + 8, "overtaken, from below 2^32");
    check_no_echo(stage, "RPL-4", &below, replay(stage, &below), "no answer to a replay from below 2^32");
    move_to(stage, 2 * boundary - boundary / 2);
    judge_followed(stage, 0, "a jump within the high half");
    move_to(stage, 2 * boundary + 100);
    judge_followed(stage, 0, "a jump over 2 * 2^32");
}

/* --- RPL-7 --------------------------------------------------------------------------------------- */

static void observe_late(struct stage *stage, unsigned failed, const char *when)
{
    struct probed late = send_probe(stage, (struct probe_with){.member = failed});
    struct esp_silence s = listen_for_echo(stage, &late, late.packet);
    observe(stage, "RPL-7", PACKETS(late.packet, s.answer_packet), when,
            say(stage, "number %llu of member %u is %s%s", (unsigned long long)late.seq, failed,
                s.silent ? "not answered" : "answered", s.fence.answered ? "" : "; nor is the next one"));
}

CASE(rpl_late_packets, .id = "rpl.late-packets", .version = 1,
     .title = "ESP packets of the failed member arrive late",
     .story =
         "The active member fails; the next one takes over and jumps. Packets of the failed one are still on "
         "their way, and arrive before the first packet of the new one and behind it.",
     .sent = "Echo requests of the failed member, under its own numbers.",
     .expected = "Whatever the peer does. What is recorded: whether they are answered.",
     .why = "They are fresh and authentic, but behind the jump they are below any window. How many are lost "
            "tells what a large margin costs.",
     .requires = {"RPL-7"}, .needs = NEED_ESP, .axes = ON(ESN) | ON(CHILDREN), .not_axes = ON(NAT))
{
    establish(stage);
    probe(stage);
    fail_over(stage);
    unsigned failed = failed_member(stage);
    if (!failed)
        inconclusive(stage, "no member has failed: there is nobody whose packets could be late");
    struct probed early = try_probe(stage, (struct probe_with){.member = failed, .once = true});
    observe(stage, "RPL-7", PACKETS(early.packet, early.answer_packet),
            "before the new member's first packet", early.text);
    probe(stage);
    observe_late(stage, failed, "behind the new member's jump");
    member_jumps(stage, 10);
    struct probed gap = probe(stage);
    struct probed inside = try_probe(stage, (struct probe_with){.seq = gap.seq - 5, .once = true});
    observe(stage, "RPL-7", PACKETS(inside.packet, inside.answer_packet),
            "overtaken by the new member's own packets, inside the window", inside.text);
}
