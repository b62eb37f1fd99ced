#include "stage/contexts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cluster/context.h"
#include "cluster/context_file.h"
#include "stage/stage_parts.h"

static json_t *parsed(struct stage *stage, char *text, const char *whose)
{
    json_t *context = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    context_free(text);
    if (!json_is_object(context))
        inconclusive(stage, "the context of the %s is no JSON object", whose);
    return context;
}

/* Through a file, as the peer does it. */
static const char *save_own(struct stage *stage)
{
    struct error err = {0};
    const char *path = private_file(stage, "cluster.context");
    struct ike_snapshot *snapshot = ike_sa_snapshot(active_host(stage), session_sa(stage), &err);
    char *text = snapshot ? context_write(snapshot) : NULL;
    ike_snapshot_free(snapshot);
    bool saved = text && context_save(path, text, &err);
    context_free(text);
    if (!saved)
        leave_with(stage, VERDICT_ERROR, say(stage, "the context cannot be written: %s", err.text));
    return path;
}

static const char *have_peer_save(struct stage *stage)
{
    struct error err = {0};
    const char *path = private_file(stage, "peer.context");
    int status = pull_once_with(stage, "save-context", path, &err);
    if (status == DRIVER_NO_SUCH_TRIGGER)
        unsupported(stage, "the peer's driver has no trigger \"save-context\"");
    if (status != 0)
        inconclusive(stage, "the driver's save-context failed with status %d: %s", status, err.text);
    return path;
}

json_t *session_context(struct stage *stage, enum context_holder holder, unsigned *mode)
{
    struct error err = {0};
    struct stat st;
    const char *path = holder == CONTEXT_OF_PEER ? have_peer_save(stage) : save_own(stage);
    char *text = context_load(path, NULL, &err);
    if (!text || stat(path, &st) != 0)
        inconclusive(stage, "no context was saved: %s", err.text);
    if (mode)
        *mode = st.st_mode & 0777;
    return parsed(stage, text, holder == CONTEXT_OF_PEER ? "peer" : "cluster");
}

/* Most strings in it are keys. */
static void wipe(json_t *value)
{
    const char *name;
    json_t *item;
    size_t i;
    if (json_is_string(value))
        crypto_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    json_object_foreach(value, name, item)
    {
        wipe(item);
    }
    json_array_foreach(value, i, item)
    {
        wipe(item);
    }
}

void context_forget(json_t *context)
{
    wipe(context);
    json_decref(context);
}

static bool cluster_takes(struct stage *stage, const char *text, struct error *err)
{
    flush_members(stage);
    unsigned from = stage->cluster.active;
    bool taken = cluster_take_over_from(&stage->cluster, text, stage_now(stage), err);
    if (taken)
        note_failover(stage, from);
    flush_members(stage);
    return taken;
}

static bool peer_takes(struct stage *stage, const char *text, struct error *err)
{
    const char *path = private_file(stage, "load.context");
    if (!context_save(path, text, err))
        leave_with(stage, VERDICT_ERROR, err->text);
    int status = pull_once_with(stage, "load-context", path, err);
    if (status == DRIVER_NO_SUCH_TRIGGER)
        unsupported(stage, "the peer's driver has no trigger \"load-context\"");
    return status == 0;
}

bool takes_over_from(struct stage *stage, enum context_holder holder, const json_t *context,
                     struct error *err)
{
    char *text = json_dumps(context, JSON_COMPACT);
    if (!text)
        leave_with(stage, VERDICT_ERROR, "out of memory");
    bool taken = holder == CONTEXT_OF_PEER ? peer_takes(stage, text, err) : cluster_takes(stage, text, err);
    context_free(text);
    return taken;
}
