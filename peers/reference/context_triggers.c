/* What the reference peer does as a cluster when it is told to: take over, lose updates, hand out its context
 * and go on from one. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cluster/context.h"
#include "cluster/context_file.h"
#include "cluster/context_values.h"
#include "peers/reference/echo.h"
#include "peers/reference/peer.h"

/* --- updates ------------------------------------------------------------------------------------- */

static int lose_updates(struct reference_peer *peer, struct error *err)
{
    struct sync_channel *channel = &peer->cluster.channel;
    const struct channel_rule rule = {.first = channel->sent + 1, .action = CHANNEL_LOSE};
    if (!channel_add_rule(channel, &rule))
        return fail(err, "out of memory"), 1;
    peer->losing_rule = channel->n_rules;
    return 0;
}

/* Says whether an update was lost. */
static bool end_losing(struct reference_peer *peer)
{
    struct sync_channel *channel = &peer->cluster.channel;
    if (!peer->losing_rule)
        return false;
    channel_end_rule(channel, peer->losing_rule - 1);
    bool lost = channel->rules[peer->losing_rule - 1].met > 0;
    peer->losing_rule = 0;
    return lost;
}

/* --- taking over --------------------------------------------------------------------------------- */

int reference_peer_took_over(struct reference_peer *peer, int64_t now_us, struct error *err)
{
    struct message_id_sync numbers;
    struct member *active = cluster_active(&peer->cluster);
    struct ike_sa_info info;
    bool behind = end_losing(peer);
    if (peer->restarts_ivs)
        reference_echo_restart_ivs(peer);
    if (behind && peer->trusts_lost_updates)
        return 0;
    if (!cluster_sync_numbers(&peer->cluster, &numbers, err))
        return 1;
    if (peer->reuses_own_id && ike_sa_info(active->host, active->sa, &info) && info.next_send > 0)
        numbers.expected_send = (uint32_t)info.next_send - 1;
    return cluster_sync(&peer->cluster, &numbers, now_us, err) ? 0 : 1;
}

/* --- contexts in files --------------------------------------------------------------------------- */

/* A fault of CTX-1: takes a field out. */
static char *without_nonce(char *context)
{
    json_t *object = json_loads(context, 0, NULL);
    json_object_del(json_object_get(object, "ike_sa"), "nonce_initiator");
    char *text = context_text(object);
    context_value_forget(object);
    json_decref(object);
    context_free(context);
    return text;
}

static char *own_context(const struct reference_peer *peer, struct error *err)
{
    const struct member *m = &peer->cluster.members[peer->cluster.active];
    struct ike_snapshot *snapshot = ike_sa_snapshot(m->host, m->sa, err);
    char *context = snapshot ? context_write(snapshot) : NULL;
    ike_snapshot_free(snapshot);
    return context;
}

static int save_context(struct reference_peer *peer, const char *path, struct error *err)
{
    char *context = own_context(peer, err);
    if (context && peer->hides_a_field)
        context = without_nonce(context);
    bool saved = context && context_save(path, context, err);
    context_free(context);
    if (saved && peer->opens_context_files)
        saved = chmod(path, 0644) == 0;
    return saved ? 0 : 1;
}

static void complete(json_t *object, json_t *from)
{
    const char *name;
    json_t *value;
    json_object_foreach(from, name, value)
    {
        json_t *there = json_object_get(object, name);
        if (!there)
            json_object_set_new(object, name, json_deep_copy(value));
        else if (json_is_object(value))
            complete(there, value);
    }
}

/* A fault of CTX-3: what is missing is made up. */
static char *made_complete(const struct reference_peer *peer, char *context)
{
    char *own = own_context(peer, NULL);
    json_t *object = json_loads(context, 0, NULL), *from = own ? json_loads(own, 0, NULL) : NULL;
    complete(object, from);
    char *text = context_text(object);
    context_value_forget(object);
    context_value_forget(from);
    json_decref(object);
    json_decref(from);
    context_free(own);
    context_free(context);
    return text;
}

static int load_context(struct reference_peer *peer, const char *path, int64_t now_us, struct error *err)
{
    char *context = context_load(path, NULL, err);
    if (context && peer->completes_contexts)
        context = made_complete(peer, context);
    bool taken = context && cluster_take_over_from(&peer->cluster, context, now_us, err);
    context_free(context);
    if (!taken)
        return 1;
    peer->deaf_to_rekeys = peer->deaf_to_rekeys || peer->loaded_member_is_deaf;
    return reference_peer_took_over(peer, now_us, err);
}

int reference_peer_cluster_trigger(struct reference_peer *peer, const char *verb, const char *argument,
                                   int64_t now_us, struct error *err)
{
    bool save = strcmp(verb, "save-context") == 0, load = strcmp(verb, "load-context") == 0;
    if (strcmp(verb, "lose-updates") == 0)
        return lose_updates(peer, err);
    if (!save && !load)
        return DRIVER_NO_SUCH_TRIGGER;
    if (!argument || !argument[0])
        return fail(err, "%s: name a file", verb), 1;
    return save ? save_context(peer, argument, err) : load_context(peer, argument, now_us, err);
}
