/* PAR-2: parallel Child SAs over a long time. */
#include "cases/parallel.h"
#include "stage/rounds.h"
#include "stage/standby.h"

enum { FEW_ROUNDS = 4, FLOW_LENGTH = 4 };

/* What was done so far, for the record. */
struct long_term {
    struct sharing s;
    struct rounds rounds;
    unsigned echoes, requests, child_rekeys, ike_rekeys, deletes;
};

/* --- judging ---------------------------------------------------------------------------------------- */

static const char *name_of_round(struct stage *stage, const struct long_term *l, const char *what)
{
    return say(stage, "round %u, %s", l->rounds.n, what);
}

/* False: the peer ended one, which is judged. */
static bool all_are_kept(struct stage *stage, struct long_term *l, const char *when)
{
    struct sharing before = l->s;
    unsigned gone = 0;
    follow_child_sas(stage, &l->s);
    while (gone < l->s.n && (l->s.spi[gone] || !before.spi[gone]))
        gone++;
    if (gone == l->s.n)
        return true;
    unsigned packet = child_sa_went_with(stage, before.spi[gone]);
    check(
        stage, "PAR-2", false, PACKETS(packet), say(stage, "%s: all %u Child SAs are kept", when, l->s.n),
        say(stage, "Child SA %08x of member %u is gone, with packet %u", before.spi[gone], gone + 1, packet));
    return false;
}

/* The same for one that the peer says nothing of and does not use. */
static bool all_carry(struct stage *stage, struct long_term *l, const char *when)
{
    struct tour t = tour_of(stage, &l->s);
    l->echoes += t.answered;
    if (t.answered < l->s.n)
        check(stage, "PAR-2", false, PACKETS(t.packet),
              say(stage, "%s: all %u Child SAs carry traffic", when, l->s.n), t.seen);
    return t.answered == l->s.n;
}

/* --- what a round is made of -------------------------------------------------------------------------- */

/* Whoever shares flows has one member busy in this round, and the others idle. */
static bool traffic(struct stage *stage, struct long_term *l)
{
    if (axis_of(stage, AXIS_SHARING) == SHARING_DUPLICATE)
        return all_carry(stage, l, name_of_round(stage, l, "traffic"));
    unsigned member = l->rounds.n % l->s.n + 1;
    for (unsigned i = 0; i < FLOW_LENGTH; i++) {
        struct probed p = try_probe_of(stage, &l->s, member);
        if (!p.answered) {
            check(stage, "PAR-2", false, PACKETS(p.packet),
                  name_of_round(stage, l, "the Child SA of the flow carries traffic"), p.text);
            return false;
        }
        l->echoes++;
    }
    return true;
}

static void liveness(struct stage *stage, struct long_term *l)
{
    l->requests += ask(stage).answered;
    l->requests += peer_does(stage, "liveness").done;
}

static void rekeys(struct stage *stage, struct long_term *l)
{
    must_rekey(stage, &l->s, l->rounds.n % l->s.n + 1);
    wait_out_grace(stage);
    l->child_rekeys += 1 + peer_does(stage, "rekey-child").done;
    if (l->rounds.n % 3 == 1)
        l->ike_rekeys += member_does(stage, "rekey-ike").done;
    if (l->rounds.n % 3 == 2)
        l->ike_rekeys += peer_does(stage, "rekey-ike").done;
    wait_out_grace(stage);
}

/* One goes on purpose, and another takes its place. */
static bool renew_one(struct stage *stage, struct long_term *l)
{
    unsigned member = (l->rounds.n + 1) % l->s.n + 1;
    uint32_t spi = l->s.spi[member - 1];
    if (!delete_child_sa(stage, spi))
        inconclusive(stage, "the peer did not answer the delete of Child SA %08x", spi);
    wait_out_grace(stage);
    l->s.spi[member - 1] = 0;
    l->deletes++;
    if (!all_are_kept(stage, l, name_of_round(stage, l, "when one was deleted")))
        return false;
    replace_missing(stage, &l->s);
    return true;
}

static bool play_round(struct stage *stage, struct long_term *l)
{
    if (!traffic(stage, l) || !all_are_kept(stage, l, name_of_round(stage, l, "after traffic")))
        return false;
    liveness(stage, l);
    rekeys(stage, l);
    if (!all_are_kept(stage, l, name_of_round(stage, l, "after liveness checks and rekeys")))
        return false;
    if (l->rounds.n % FEW_ROUNDS == 0 && !renew_one(stage, l))
        return false;
    rest(stage, &l->rounds);
    return all_are_kept(stage, l, name_of_round(stage, l, "after idle time"));
}

/* One by one: a peer that has two of a kind may think that the older is not needed any more. */
static bool make_all(struct stage *stage, struct long_term *l)
{
    unsigned n = axis_members(stage);
    for (unsigned i = 1; i <= n; i++) {
        struct sharing before = l->s;
        l->s = share_load(stage, i);
        for (unsigned k = 0; k < before.n; k++)
            l->s.spi[k] = before.spi[k];
        wait_out_grace(stage);
        if (!all_are_kept(stage, l, say(stage, "when number %u was made", i)))
            return false;
    }
    return true;
}

CASE(
    par_long_term, .id = "par.kept-for-long", .version = 1,
    .title = "The peer keeps all of the parallel Child SAs, round after round",
    .story =
        "The members share the load for long: packets of one flow (sharing=duplicate), or one flow each "
        "(sticky), so that in a round one member is busy and the others are not. Between traffic both "
        "sides check that the other is alive, one Child SA is rekeyed by each side, then the IKE SA, one "
        "Child SA is deleted and made anew, and there is idle time.",
    .sent =
        "Child SAs with equal selectors, and rounds of echo requests, liveness checks, rekeys, a delete, and "
        "nothing. `understudy run --soak` makes them go on for hours.",
    .expected = "The peer deletes none of them, and at the end each carries traffic.",
    .why = "RFC 6027 3.7 names a policy against redundant SAs as what breaks load sharing: the members would "
           "make anew for ever what the peer tidies up.",
    .requires = {"PAR-2"}, .needs = NEED_ESP, .axes = ON(MEMBERS) | ON(SHARING) | ON(ESN),
    .not_axes = ON(NAT) | ON(CHILDREN), .long_term = true)
{
    struct long_term l = {0};
    cluster_has_members(stage, axis_members(stage));
    establish(stage);
    probe(stage);
    if (!make_all(stage, &l))
        return;
    while (next_round(stage, &l.rounds, FEW_ROUNDS))
        if (!play_round(stage, &l))
            return;
    if (!all_carry(stage, &l, "at the end"))
        return;
    check(stage, "PAR-2", true, PACKETS(last_packet(stage)),
          say(stage, "all %u Child SAs are kept and carry traffic", l.s.n),
          say(stage,
              "they are and do, after %s: %u echoes, %u requests, %u rekeys of a Child SA and %u of the IKE "
              "SA, "
              "%u deleted and made anew",
              rounds_text(stage, &l.rounds), l.echoes, l.requests, l.child_rekeys, l.ike_rekeys, l.deletes));
}
