/* CLU-3, CLU-4: a standby that knows the counters of the data path as they were some time ago. */
#include "cases/story.h"
#include "stage/standby.h"
#include "stage/traffic.h"

/* --- CLU-3: outbound ----------------------------------------------------------------------------- */

struct cadence {
    const char *words;
    unsigned packets;    /* an update goes out after so many */
    const char *updates; /* what the channel does with them; NULL: it delivers them */
    uint64_t margin;     /* that the new member adds */
};

static const struct cadence cadences[] = {
    {"told with every packet, no margin", 1, NULL, 0},
    {"told every 4 packets, margin 4", 4, NULL, 4},
    {"told every 16 packets, margin 16", 16, NULL, 16},
    {"told every 200 ms, margin 10 000", 1, "every:200ms", 10000},
};

static void play_cadence(struct stage *stage, const struct cadence *c)
{
    enum { PACKETS_BEFORE = 10 };
    struct child_sa used, known;
    tell_counters_every(stage, c->packets);
    if (c->updates)
        updates_fail(stage, c->updates);
    for (unsigned i = 0; i < PACKETS_BEFORE; i++)
        probe(stage);
    child_sas(stage, &used, 1);
    member_margin(stage, c->margin);
    fail_over(stage);
    child_sas(stage, &known, 1);
    if (known.spi != used.spi)
        inconclusive(stage,
                     "the peer replaced Child SA %08x just before the failover: the standby was not told",
                     known.spi);
    struct probed p = try_probe(stage, (struct probe_with){0});
    check(stage, "RPL-3", p.answered, PACKETS(p.packet, p.answer_packet),
          say(stage, "%s: the new member's packets are answered", c->words), p.text);
    observe(stage, "CLU-3", PACKETS(p.packet, p.answer_packet), c->words,
            say(stage, "the failed member used %llu, the new one knew of %llu; number %llu was answered",
                (unsigned long long)used.sent, (unsigned long long)(known.sent - c->margin),
                (unsigned long long)p.seq));
}

static void play_without_margin(struct stage *stage)
{
    enum { UNTOLD = 3, SENT = 2 * UNTOLD };
    struct probed sent[SENT];
    unsigned lost = 0;
    tell_counters_every(stage, 0);
    for (unsigned i = 0; i < UNTOLD; i++)
        probe(stage);
    member_margin(stage, 0);
    fail_over(stage);
    for (unsigned i = 0; i < SENT; i++)
        sent[i] = send_probe(stage, (struct probe_with){0});
    probe(stage); /* the fence */
    for (unsigned i = 0; i < SENT; i++)
        lost += !take_answer(stage, &sent[i]);
    observe(stage, "CLU-3", PACKETS(sent[0].packet, sent[SENT - 1].packet), "not told, and no margin",
            say(stage, "%u of the new member's first %u packets are not answered", lost, SENT));
}

CASE(clu_outbound_counters, .id = "clu.outbound-counters", .version = 1,
     .title = "The standby knows the outgoing numbers as of some packets, or some time, ago",
     .story = "The active member tells its counters every packet, every few packets, or every so often; then "
              "it fails. The next one adds a margin to what it knows. In the end it adds none.",
     .sent = "Echo requests, failovers in between.",
     .expected =
         "With a margin as large as what can be missing the new member's packets are answered. What is "
         "recorded: how far it was behind, and what is lost without a margin.",
     .why = "To tell each number costs more than the traffic itself. The margin is what makes seldom updates "
            "safe.",
     .requires = {"CLU-3", "RPL-3"}, .needs = NEED_ESP, .axes = ON(ESN), .not_axes = ON(NAT) | ON(CHILDREN))
{
    establish(stage);
    for (unsigned i = 0; i < sizeof cadences / sizeof *cadences; i++)
        play_cadence(stage, &cadences[i]);
    play_without_margin(stage);
}

/* --- CLU-4: inbound ------------------------------------------------------------------------------ */

/* Where the peer is a cluster its own window may be stale. */
static void judge_replay_to_peer(struct stage *stage)
{
    struct probed p = probe(stage);
    if (!peer_can_fail_over(stage)) {
        not_judged(stage, "RPL-4", "a failover of the peer: its driver has no trigger for it");
        return;
    }
    struct sync_request theirs = await_peer_sync(stage, p.packet);
    peer_sync_settles(stage, &theirs);
    check_no_echo(stage, "RPL-4", &p, replay(stage, &p), "after the peer's failover: no answer to a replay");
}

CASE(clu_inbound_counters, .id = "clu.inbound-window-is-stale", .version = 1,
     .title = "The replay window of the member that takes over is stale",
     .story = "The active member receives packets that the standby is not told of, and fails. The new one's "
              "window ends at what it knows: until the peer's numbers jump it would take what the failed one "
              "has taken. Then, where the peer is a cluster, it fails over in turn.",
     .sent = "Echo requests; a sync with replay counters, where they were agreed on; after the peer's own "
             "failover a replay of the member's last packet.",
     .expected =
         "The peer's packets go on to be accepted by the new member; what is recorded is how many "
         "numbers could be replayed to it, and where the peer goes on. The peer's new member does not "
         "answer the replay.",
     .why = "The delta is there for that: when it is answered, everything below can be refused.",
     .requires = {"CLU-4", "RPL-4"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_ESP,
     .axes = ON(ESN) | ON(REPLAY_SYNC), .not_axes = ON(NAT) | ON(CHILDREN))
{
    enum { UNTOLD = 5 };
    struct child_sa used, known;
    establish(stage);
    probe(stage);
    tell_counters_every(stage, 0);
    for (unsigned i = 0; i < UNTOLD; i++)
        probe(stage);
    child_sas(stage, &used, 1);
    fail_over(stage);
    child_sas(stage, &known, 1);
    tell_counters_every(stage, 1);
    synchronize_counters(stage, sync_numbers(stage), 1000);
    struct probed p = probe_over(stage, known.spi);
    observe(stage, "CLU-4", PACKETS(p.packet, p.answer_packet), "a window that is stale",
            say(stage,
                "the peer had used %llu, the new member's window ended at %llu; behind the sync the peer "
                "goes on with %llu",
                (unsigned long long)used.received, (unsigned long long)known.received,
                (unsigned long long)p.answer_seq));
    judge_replay_to_peer(stage);
}
