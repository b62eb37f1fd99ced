/* CLU-6, 7, 8, PAR-5: what members share that are active at once: flows, a key, addresses, a space of SPIs.
 */
#include "cases/parallel.h"
#include "stage/standby.h"

/* --- CLU-6 ------------------------------------------------------------------------------------------ */

enum { EACH = 4 };

struct shared_load {
    unsigned sent, answered;
    unsigned own;    /* answers over the Child SA of the member that asked */
    unsigned packet; /* the last one */
};

static void count_in(struct shared_load *load, const struct probed *p)
{
    load->sent++;
    load->answered += p->answered;
    load->own += p->answered && p->answer_spi == p->spi;
    load->packet = p->packet;
}

/* Packets of one flow go through one member after the other (duplicate), or each member has a flow of its own
 * (sticky). Behind one that is not answered the rest is sent at once, and has the peer's time together. */
static struct shared_load share_out(struct stage *stage, const struct sharing *s)
{
    bool sticky = axis_of(stage, AXIS_SHARING) == SHARING_STICKY;
    struct probed rest[EACH * SHARING_MAX_MEMBERS];
    unsigned n_rest = 0;
    struct shared_load load = {0};
    for (unsigned i = 0; i < EACH * s->n; i++) {
        unsigned member = sticky ? i / EACH % s->n + 1 : i % s->n + 1;
        struct probe_with with = {.spi = s->spi[member - 1], .member = member, .flow = sticky ? member : 0};
        if (load.sent > load.answered) {
            rest[n_rest++] = send_probe(stage, with);
            continue;
        }
        struct probed p = try_probe(stage, with);
        count_in(&load, &p);
    }
    await_answers(stage, rest, n_rest);
    for (unsigned i = 0; i < n_rest; i++)
        count_in(&load, &rest[i]);
    return load;
}

static void observe_load(struct stage *stage, const struct shared_load *load, const char *what)
{
    observe(stage, "CLU-6", PACKETS(load->packet), what,
            say(stage, "%u of %u answered, %u of them over the Child SA of the member that asked",
                load->answered, load->sent, load->own));
}

CASE(
    clu_several_active, .id = "clu.several-members-active", .version = 1,
    .title = "Several members of the cluster are active at once",
    .story =
        "Each member has its Child SA. They share the packets of one flow (sharing=duplicate), or each has "
        "flows of its own (sticky). Then one of them fails, and another takes its share along.",
    .sent = "Echo requests over all Child SAs; then over all but the one of the member that "
            "failed, whose Child SA is deleted.",
    .expected =
        "Whatever the peer does. What is recorded: how many are answered, and how many answers come to "
        "the member that asked.",
    .why =
        "RFC 6027 3.7: the peer sees one cluster that speaks over several SAs. What it answers where decides "
        "how much its members have to forward to each other.",
    .requires = {"CLU-6"}, .needs = NEED_ESP, .axes = ON(MEMBERS) | ON(SHARING),
    .not_axes = ON(NAT) | ON(CHILDREN))
{
    cluster_has_members(stage, axis_members(stage));
    establish(stage);
    probe(stage);
    struct sharing s = share_load(stage, axis_members(stage));
    struct shared_load all = share_out(stage, &s);
    observe_load(stage, &all, say(stage, "%u members share the load", s.n));
    /* The first is the one that owns the IKE SA: the last fails. */
    if (!delete_child_sa(stage, s.spi[s.n - 1]))
        inconclusive(stage, "the peer did not answer the delete of Child SA %08x", s.spi[s.n - 1]);
    s.n--;
    wait_out_grace(stage);
    struct shared_load rest = share_out(stage, &s);
    observe_load(stage, &rest, say(stage, "one of them failed, %u share it", s.n));
}

/* --- CLU-7 ------------------------------------------------------------------------------------------ */

CASE(clu_shared_key, .id = "clu.members-under-one-key", .version = 1,
     .title = "Several members seal under one key",
     .story =
         "There is one Child SA, and all members seal on it in turn: each takes a sequence number that no "
         "other one uses, and IVs from a part of the IV space that is its own.",
     .sent = "Echo requests over one Child SA, sealed by one member after the other.",
     .expected =
         "Whatever the peer does. What is recorded: whether any IV came twice, and how many packets are "
         "answered.",
     .why =
         "An IV that comes twice gives a counter mode away (RFC 6027 3.7.1, RFC 6054). A peer that expects "
         "IVs to follow the sequence number would not take a member's.",
     .requires = {"CLU-7"}, .needs = NEED_ESP, .axes = ON(MEMBERS) | ON(ALGORITHMS) | ON(ESN),
     .not_axes = ON(NAT) | ON(CHILDREN))
{
    cluster_has_members(stage, axis_members(stage));
    establish(stage);
    struct probed first = probe(stage);
    struct sharing s = {.n = axis_members(stage)};
    unsigned answered = 0;
    for (unsigned i = 0; i < s.n; i++)
        s.spi[i] = first.spi;
    follow_child_sas(stage, &s);
    for (unsigned i = 0; i < EACH * s.n; i++) {
        unsigned member = i % s.n + 1;
        if (!member_goes_on_with(stage, &s, member, highest_of_members(stage, first.spi) + 1))
            inconclusive(stage, "the number of member %u cannot be set", member);
        answered += try_probe_of(stage, &s, member).answered;
    }
    struct peer_ivs ivs = member_ivs(stage);
    observe(stage, "CLU-7", PACKETS(first.packet, ivs.first, ivs.again),
            "members in turn under one key: all IVs are different",
            say(stage, "%u members, %u of %u packets are answered; %s", s.n, answered, EACH * s.n,
                !ivs.counter_mode ? "the cipher has no counter mode, its IVs are random"
                : ivs.again       ? "two packets have one IV"
                                  : "no IV came twice"));
}

/* --- CLU-8 ------------------------------------------------------------------------------------------ */

static void observe_way(struct stage *stage, const struct probed *p, const char *what)
{
    observe(stage, "CLU-8", PACKETS(p->packet, p->answer_packet), what,
            p->answered ? say(stage, "answered, %s", where_to(stage, p->answer_packet)) : p->text);
}

CASE(clu_two_addresses, .id = "clu.esp-from-another-address", .version = 1,
     .title = "IKE comes from a member's own address, ESP from the cluster's",
     .story =
         "The IKE SA was made from the address of the member that owns it. The cluster's packets come from "
         "another address.",
     .sent =
         "Echo requests over the Child SA: from the address of IKE, from the other one, and from the first "
         "again; requests of both ends between them.",
     .expected =
         "Whatever the peer does. What is recorded: what is answered, and where its answers and its own "
         "requests go.",
     .why =
         "RFC 6027 3.8: to the peer it looks odd, and some drop such packets. Others follow them with their "
         "own (RFC 7296 2.23), and then speak IKE to an address where nobody does.",
     .requires = {"CLU-8"}, .needs = NEED_ESP, .not_axes = ON(NAT) | ON(CHILDREN))
{
    establish(stage);
    struct probed same = probe(stage);
    observe_way(stage, &same, "from the address of IKE");
    esp_from_other_address(stage, true);
    struct probed other = try_probe(stage, (struct probe_with){0});
    observe_way(stage, &other, "from the cluster's other address");
    struct asked asked = ask(stage);
    observe(stage, "CLU-8", PACKETS(asked.request_packet, asked.answer_packet),
            "then: where the answer to a request goes", where_to(stage, asked.answer_packet));
    struct act own = peer_does(stage, "liveness");
    if (own.possible)
        observe(stage, "CLU-8", PACKETS(own.packet), "then: where the peer's own request goes",
                where_to(stage, own.packet));
    esp_from_other_address(stage, false);
    struct probed again = try_probe(stage, (struct probe_with){0});
    observe_way(stage, &again, "from the address of IKE again");
}

/* --- PAR-5 ------------------------------------------------------------------------------------------ */

/* Where a member makes none there is nothing that could meet. */
static void peer_members_make(struct stage *stage, unsigned n, unsigned *made)
{
    unsigned before = *made;
    for (unsigned i = 0; i < n; i++) {
        struct act added = peer_does(stage, "add-child");
        if (!added.possible)
            unsupported(stage, "the peer's driver has no trigger \"add-child\"");
        *made += added.done;
        wait_out_grace(stage);
    }
    if (*made == before)
        inconclusive(stage, "a member of the peer's made no Child SA: told to \"add-child\", it did not");
}

static void peer_members_change(struct stage *stage)
{
    unsigned before = last_packet(stage);
    wait_out_grace(stage);
    peer_fails_over(stage);
    if (!await_peer_recovery(stage, before).in_step)
        inconclusive(stage, "the peer's next member did not synchronize (CLU-5)");
}

CASE(par_members_spis, .id = "par.members-allocate-apart", .version = 1,
     .title = "No two members of a peer that is a cluster allocate the same SPI",
     .story =
         "The peer is a cluster that loses updates. One member after the other takes over, knows nothing of "
         "the last Child SAs of the one before, and makes some of its own.",
     .sent = "The right answer to each sync request and to each request for a Child SA.",
     .expected = "The SPIs that the peer chose are all different.",
     .why =
         "Two members cannot ask each other before each SPI. One that was given twice is one SA in the place "
         "of two, and the packets of one of them are lost.",
     .requires = {"PAR-5"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER, .not_axes = ON(CHILDREN))
{
    enum { TURNS = 2, CHILDREN_EACH = 2 };
    unsigned made = 0;
    establish(stage);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        peer_loses_updates(stage);
        peer_members_make(stage, CHILDREN_EACH, &made);
        peer_members_change(stage);
    }
    peer_members_make(stage, CHILDREN_EACH, &made);
    struct spi_count spis = spis_of_child_sas(stage);
    check(stage, "PAR-5", spis.different, PACKETS(spis.packet), "the SPIs of all Child SAs are different",
          say(stage, "%u turns, %u Child SAs more: %s (%s)", TURNS + 1, made, spis.text,
              spis.different ? "all different" : "one twice"));
}
