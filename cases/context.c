/* CTX: the context that members pass to each other: that of the suite's own cluster, and what a peer that is
 * a cluster hands out. */
#include <string.h>

#include "cases/takeover.h"
#include "stage/contexts.h"

static const char *const top_fields[] = {"context_version", "ike_version", "ike_sa", "child_sas"};
static const char *const ike_fields[] = {
    "initiator",
    "spi_initiator",
    "spi_responder",
    "local_address",
    "remote_address",
    "local_identity",
    "remote_identity",
    "proposal",
    "nonce_initiator",
    "nonce_responder",
    "diffie_hellman_secret",
    "nat_local",
    "nat_remote",
    "fragmentation",
    "mobike",
    "eap",
    "message_id_sync",
    "replay_counter_sync",
    "next_send",
    "next_receive",
    "highest_seen",
};
static const char *const child_fields[] = {
    "local_address",     "remote_address",   "spi_inbound",      "spi_outbound",
    "proposal",          "selectors_local",  "selectors_remote", "sequence_number",
    "sequence_overflow", "replay_highest",   "replay_bitmap",    "replay_window",
    "transport_mode",    "lifetime_seconds", "lifetime_bytes",   "path_mtu",
};
static const char *const proposal_fields[] = {"encryption", "integrity", "prf", "key_exchange"};
#define COUNT(list) (sizeof(list) / sizeof *(list))

/* The context, its IKE SA, the proposal of that, its first Child SA. */
enum level { LEVEL_TOP, LEVEL_IKE_SA, LEVEL_PROPOSAL, LEVEL_CHILD_SA, LEVELS };

static json_t *object_at(json_t *context, enum level level)
{
    json_t *ike = json_object_get(context, "ike_sa");
    switch (level) {
    case LEVEL_TOP:
        return context;
    case LEVEL_IKE_SA:
        return ike;
    case LEVEL_PROPOSAL:
        return json_object_get(ike, "proposal");
    case LEVEL_CHILD_SA:
        return json_array_get(json_object_get(context, "child_sas"), 0);
    case LEVELS:
        break;
    }
    return NULL;
}

/* --- CTX-1 --------------------------------------------------------------------------------------- */

static bool judge_fields(struct stage *stage, json_t *context)
{
    if (children_of_member(stage, NULL, 0) == 0)
        inconclusive(stage, "there is no Child SA: what a context says of one cannot be seen");
    static const struct {
        const char *const *fields;
        size_t n;
    } levels[LEVELS] = {{top_fields, COUNT(top_fields)},
                        {ike_fields, COUNT(ike_fields)},
                        {proposal_fields, COUNT(proposal_fields)},
                        {child_fields, COUNT(child_fields)}};
    const char *missing = "";
    unsigned n = 0;
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < levels[level].n; i++, n++)
            if (!json_object_get(object_at(context, (enum level)level), levels[level].fields[i]))
                missing = say(stage, "%s %s", missing, levels[level].fields[i]);
    check(stage, "CTX-1", !*missing, NO_PACKETS, say(stage, "%u fields, each under its own name", n),
          *missing ? say(stage, "not there:%s", missing) : "all of them are there");
    return !*missing;
}

/* --- CTX-3 --------------------------------------------------------------------------------------- */

struct refusals {
    struct stage *stage;
    enum context_holder holder;
    json_t *context;
    unsigned tried;
    const char *taken, *unnamed; /* the first field each; NULL: none */
};

/* Is the context with this one field changed refused by name? The value is taken over; NULL: the field is
 * taken out. */
static void try_with(struct refusals *r, enum level level, const char *name, json_t *value)
{
    struct error err = {""};
    json_t *changed = json_deep_copy(r->context), *object = object_at(changed, level);
    if (value)
        json_object_set_new(object, name, value);
    else
        json_object_del(object, name);
    r->tried++;
    if (takes_over_from(r->stage, r->holder, changed, &err))
        r->taken = r->taken ? r->taken : name;
    else if (!strstr(err.text, name))
        r->unnamed = r->unnamed ? r->unnamed : say(r->stage, "%s: \"%s\"", name, err.text);
    context_forget(changed);
}

static void try_each_field(struct refusals *r, enum level level)
{
    const char *name;
    json_t *value;
    json_object_foreach(object_at(r->context, level), name, value)
    {
        if (r->taken)
            return; /* whoever took one has failed over */
        try_with(r, level, name, NULL);
        if (!r->taken)
            try_with(r, level, name, json_real(0.5));
    }
}

static void judge_refusals(struct stage *stage, enum context_holder holder, json_t *context)
{
    static const struct {
        enum level level;
        const char *name;
        int value;
    } wrong[] = {
        {LEVEL_TOP, "context_version", 2},
        {LEVEL_TOP, "ike_version", 1},
        {LEVEL_IKE_SA, "window_send", 0}, /* a number that is none here */
        {LEVEL_IKE_SA, "next_receive", -1},
    };
    struct refusals r = {.stage = stage, .holder = holder, .context = context};
    for (unsigned level = 0; level < LEVELS; level++)
        try_each_field(&r, (enum level)level);
    for (size_t i = 0; i < COUNT(wrong) && !r.taken; i++)
        try_with(&r, wrong[i].level, wrong[i].name, json_integer(wrong[i].value));
    if (!r.taken)
        try_with(&r, LEVEL_CHILD_SA, "spi_inbound", json_string("00000000"));
    check(stage, "CTX-3", !r.taken && !r.unnamed, NO_PACKETS,
          "each context with one field missing, malformed, of another version or contradictory is refused by "
          "the "
          "name of that field",
          r.taken     ? say(stage, "one with a wrong \"%s\" was taken", r.taken)
          : r.unnamed ? say(stage, "refused without the name: %s", r.unnamed)
                      : say(stage, "%u of %u were", r.tried, r.tried));
    struct asked a = ask(stage);
    if (!r.taken)
        check(stage, "CTX-3", a.answered, PACKETS(a.request_packet, a.answer_packet),
              "nothing of them is restored: the session goes on",
              a.answered ? "it does" : "a request is not answered any more");
}

static void judge_mode(struct stage *stage, unsigned mode)
{
    check(stage, "CTX-4", mode == 0600, NO_PACKETS, "the file has mode 0600",
          say(stage, "it has %04o", mode));
}

/* --- the cases ----------------------------------------------------------------------------------- */

CASE(
    ctx_of_the_cluster, .id = "ctx.of-the-cluster", .version = 1,
    .title = "The context of the live session is complete, is refused when it is not, and suffices to go on",
    .story =
        "The active member's context is written down and read again: with each field missing or malformed in "
        "turn, then as it is. A member that has nothing else takes over and goes on with the peer.",
    .sent = "After the takeover: a sync request; then all that an end of a session does, from both ends.",
    .expected =
        "Incomplete contexts are refused by the name of the field and change nothing; with the complete one "
        "the peer notices no more than a failover.",
    .why = "What is missing in the context is missing in the failover, and shows when it is too late.",
    .requires = {"CTX-1", "CTX-2", "CTX-3", "CTX-4"}, .needs = NEED_MESSAGE_ID_SYNC,
    .axes = ON(GENERATION) | ON(ALGORITHMS))
{
    struct error err = {""};
    unsigned mode;
    establish(stage);
    json_t *context = session_context(stage, CONTEXT_OF_CLUSTER, &mode);
    judge_mode(stage, mode);
    if (judge_fields(stage, context))
        judge_refusals(stage, CONTEXT_OF_CLUSTER, context);
    context_forget(context);
    context = session_context(stage, CONTEXT_OF_CLUSTER, NULL);
    bool taken = takes_over_from(stage, CONTEXT_OF_CLUSTER, context, &err);
    context_forget(context);
    check(stage, "CTX-2", taken, NO_PACKETS, "a member takes over with the complete context",
          taken ? "it does" : err.text);
    synchronize(stage, sync_numbers(stage));
    judge_goes_on(stage, "CTX-2");
}

CASE(
    ctx_of_the_peer, .id = "ctx.of-the-peer", .version = 1,
    .title = "The context that a peer hands out is complete and private, and its next member goes on with it",
    .story = "The peer is a cluster that can write its context to a file and take over from one. It is given "
             "its own "
             "context with each field missing or malformed in turn, then as it is.",
    .sent = "The right answer to the sync request of the member that took over; then all that an end of a "
            "session "
            "does, from both ends.",
    .expected = "A file with mode 0600 that holds all fields; what is incomplete is refused by the name of "
                "the field; "
                "with the complete context the session goes on.",
    .why = "It holds the keys of all SAs. And a standby made of half a context is worse than none.",
    .requires = {"CTX-1", "CTX-2", "CTX-3", "CTX-4"}, .needs = NEED_MESSAGE_ID_SYNC | NEED_FAILOVER,
    .axes = ON(GENERATION))
{
    struct error err = {""};
    unsigned mode;
    establish(stage);
    json_t *context = session_context(stage, CONTEXT_OF_PEER, &mode);
    judge_mode(stage, mode);
    bool complete = judge_fields(stage, context);
    if (complete)
        judge_refusals(stage, CONTEXT_OF_PEER, context);
    context_forget(context);
    if (!complete)
        return; /* nothing can be made of it */
    context = session_context(stage, CONTEXT_OF_PEER, NULL);
    unsigned before = last_packet(stage);
    bool taken = takes_over_from(stage, CONTEXT_OF_PEER, context, &err);
    context_forget(context);
    check(stage, "CTX-2", taken, NO_PACKETS, "the next member takes over with the complete context",
          taken ? "it does" : say(stage, "it refuses it: %s", err.text));
    if (!taken)
        return;
    struct sync_request theirs = await_peer_sync(stage, before);
    peer_sync_settles(stage, &theirs);
    judge_goes_on(stage, "CTX-2");
}
