/* PAR: several Child SAs with the same selectors, one for each member of a load-sharing cluster. */
#include "cases/parallel.h"
#include "stage/standby.h"

/* --- PAR-1 ----------------------------------------------------------------------------------------- */

/* The first one that is refused is asked for again, in peace: only then it counts. */
static struct act add_one(struct stage *stage)
{
    struct act a = {.possible = true, .done = add_child_sa(stage, NULL), .packet = last_packet(stage)};
    return a.done ? a : member_does(stage, "add-child");
}

static bool has_added(struct stage *stage, const struct act *added, unsigned have)
{
    unsigned now = child_sas(stage, NULL, 0);
    if (added->done && now > have) /* more: the peer is about to replace one */
        return true;
    check(stage, "PAR-1", false, PACKETS(added->packet),
          say(stage, "a Child SA with selectors that %u others have is made", have),
          added->done ? say(stage, "it is, and then there are %u", now) : added->seen);
    return false;
}

/* False: the peer did not make one more, or did not keep all, which is judged. */
static bool add_until(struct stage *stage, unsigned n)
{
    struct act added = {.done = true};
    for (unsigned have = child_sas(stage, NULL, 0); have < n; have++) {
        added = add_one(stage);
        if (!has_added(stage, &added, have))
            return false;
    }
    wait_out_grace(stage); /* a peer that keeps only some may need a while to delete the others */
    return has_added(stage, &added, n - 1);
}

CASE(par_accepted, .id = "par.many-of-the-same-selectors", .version = 1,
     .title = "The peer accepts 2, 4 and 16 Child SAs with the same selectors",
     .story = "A cluster whose members share the load asks for one Child SA after the other, all with the "
              "selectors of the first: one for each member. When there are 2, 4 and 16, each member sends "
              "over its own.",
     .sent = "CREATE_CHILD_SA requests with equal selectors; echo requests over each Child SA.",
     .expected = "All of them are made, all stay, and each carries traffic.",
     .why =
         "Members that share one outbound SA would need one counter together. A peer that refuses a second "
         "SA for the same traffic leaves one member of the cluster with work, and all others without.",
     .requires = {"PAR-1"}, .needs = NEED_ESP, .axes = ON(ESN), .not_axes = ON(NAT) | ON(CHILDREN))
{
    static const unsigned steps[] = {2, 4, 16};
    cluster_has_members(stage, SHARING_MAX_MEMBERS);
    establish(stage);
    probe(stage);
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (!add_until(stage, steps[i]))
            return;
        struct sharing s = share_load(stage, steps[i]);
        wait_out_grace(stage);
        judge_all_carry(stage, "PAR-1", &s, 0, say(stage, "%u with the same selectors", steps[i]));
    }
}

/* A member in the middle of the cluster, where there is one. */
static unsigned middle_of(const struct sharing *s)
{
    return (s->n + 1) / 2;
}

/* --- PAR-4 ----------------------------------------------------------------------------------------- */

static struct act delete_one(struct stage *stage, uint32_t spi)
{
    struct act a = {.possible = true, .packet = last_packet(stage)};
    a.done = delete_child_sa(stage, spi);
    return a;
}

/* After a delete: all but one. */
static void judge_others(struct stage *stage, struct sharing *s, unsigned packet, const char *when)
{
    wait_out_grace(stage);
    follow_child_sas(stage, s);
    struct tour t = tour_of(stage, s);
    check(stage, "PAR-4", t.answered + 1 >= s->n, PACKETS(packet, t.packet),
          say(stage, "%s: the %u others are there and carry traffic", when, s->n - 1), t.seen);
}

static void member_rekeys_one(struct stage *stage, struct sharing *s)
{
    unsigned packet = last_packet(stage);
    must_rekey(stage, s, middle_of(s));
    wait_out_grace(stage);
    judge_all_carry(stage, "PAR-4", s, packet + 1, "a member rekeyed one");
}

static void peer_rekeys_one(struct stage *stage, struct sharing *s)
{
    struct act a = peer_does(stage, "rekey-child");
    if (!a.possible || !a.packet)
        return;
    wait_out_grace(stage);
    judge_all_carry(stage, "PAR-4", s, a.packet, "the peer rekeyed one");
}

static void member_deletes_one(struct stage *stage, struct sharing *s)
{
    struct act a = delete_one(stage, s->spi[middle_of(s) - 1]);
    if (!a.done)
        inconclusive(stage, "the peer did not answer the delete of Child SA %08x", s->spi[middle_of(s) - 1]);
    judge_others(stage, s, a.packet + 1, "a member deleted one");
    replace_missing(stage, s);
}

static void peer_deletes_one(struct stage *stage, struct sharing *s)
{
    struct act a = peer_does(stage, "delete-child");
    if (!a.possible || !a.packet)
        return;
    judge_others(stage, s, a.packet, "the peer deleted one");
}

CASE(par_one_change, .id = "par.one-change-leaves-the-others", .version = 1,
     .title = "A rekey or delete of one parallel Child SA leaves the others alone",
     .story =
         "Each member has its Child SA. One of them is rekeyed and one is deleted, by a member and, where "
         "it can be told to, by the peer.",
     .sent = "A rekey and a delete of one Child SA; after each, echo requests over all.",
     .expected = "All others are there and carry traffic as before.",
     .why = "A peer that takes SAs with equal selectors for one cuts off all members with the first rekey.",
     .requires = {"PAR-4"}, .needs = NEED_ESP, .axes = ON(MEMBERS) | ON(ESN),
     .not_axes = ON(NAT) | ON(CHILDREN))
{
    cluster_has_members(stage, axis_members(stage));
    establish(stage);
    probe(stage);
    struct sharing s = share_load(stage, axis_members(stage));
    must_carry(stage, &s);
    member_rekeys_one(stage, &s);
    peer_rekeys_one(stage, &s);
    member_deletes_one(stage, &s);
    peer_deletes_one(stage, &s);
}
