#include "stage/standby.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stage/stage_parts.h"

/* --- one end acts -------------------------------------------------------------------------------- */

enum act_kind { ACT_LIVENESS, ACT_REKEY_CHILD, ACT_REKEY_IKE, ACT_ADD_CHILD, ACT_DELETE_CHILD, ACTS };

static const char *const act_names[ACTS] = {
    [ACT_LIVENESS] = "liveness",   [ACT_REKEY_CHILD] = "rekey-child",   [ACT_REKEY_IKE] = "rekey-ike",
    [ACT_ADD_CHILD] = "add-child", [ACT_DELETE_CHILD] = "delete-child",
};

static enum act_kind kind_of(struct stage *stage, const char *what)
{
    for (unsigned kind = 0; kind < ACTS; kind++)
        if (strcmp(what, act_names[kind]) == 0)
            return (enum act_kind)kind;
    leave_with(stage, VERDICT_ERROR, say(stage, "\"%s\" is nothing that an end does", what));
}

struct act_wait {
    enum act_kind kind;
    size_t from_event;
    uint32_t tag; /* of the member's own request; 0: the peer acts */
};

/* The events of both ends are the same, but for a liveness check. */
static bool is_complete(struct stage *stage, const struct act_wait *w)
{
    size_t from = w->from_event;
    switch (w->kind) {
    case ACT_LIVENESS:
        return find_event(stage, from, w->tag ? IKE_EVENT_ANSWERED : IKE_EVENT_REQUEST, w->tag);
    case ACT_REKEY_CHILD:
        return find_event(stage, from, IKE_EVENT_CHILD_UP, 0) &&
               find_event(stage, from, IKE_EVENT_CHILD_DOWN, 0);
    case ACT_REKEY_IKE:
        return stage->session && find_event(stage, from, IKE_EVENT_ESTABLISHED, 0) &&
               find_event(stage, from, IKE_EVENT_DOWN, 0);
    case ACT_ADD_CHILD:
        return find_event(stage, from, IKE_EVENT_CHILD_UP, 0);
    case ACT_DELETE_CHILD:
        return find_event(stage, from, IKE_EVENT_CHILD_DOWN, 0);
    case ACTS:
        break;
    }
    return false;
}

static const struct ike_event *refusal_of(const struct stage *stage, const struct act_wait *w)
{
    const struct ike_event *answer =
        w->tag ? find_event(stage, w->from_event, IKE_EVENT_ANSWERED, w->tag) : NULL;
    return answer && answer->notify_error ? answer : NULL;
}

static bool act_is_over(struct stage *stage, void *arg)
{
    const struct act_wait *w = arg;
    return is_complete(stage, w) || refusal_of(stage, w) ||
           (w->tag && find_event(stage, w->from_event, IKE_EVENT_GAVE_UP, w->tag));
}

unsigned first_request_since(const struct stage *stage, size_t from, bool from_peer)
{
    struct message_id_sync sync;
    for (size_t i = from; i < stage->n_wire; i++)
        if (packet_is(stage->wire[i], from_peer, false, 0) && stage->wire[i]->opened &&
            !stage->wire[i]->copy_of && !packet_sync(stage->wire[i], &sync))
            return stage->wire[i]->number;
    return 0;
}

static uint32_t begin_act(struct stage *stage, enum act_kind kind, struct error *err)
{
    struct ike_host *host = active_host(stage);
    uint32_t sa = session_sa(stage), spi = 0;
    bool needs_child = kind == ACT_REKEY_CHILD || kind == ACT_DELETE_CHILD;
    if (needs_child && ike_sa_children(host, sa, &spi, 1) == 0)
        return fail(err, "the member knows no Child SA"), 0;
    switch (kind) {
    case ACT_LIVENESS:
        return ike_sa_liveness(host, sa, stage_now(stage), err);
    case ACT_REKEY_CHILD:
        return ike_child_rekey(host, sa, spi, stage_now(stage), err);
    case ACT_REKEY_IKE:
        return ike_sa_rekey(host, sa, stage_now(stage), err);
    case ACT_ADD_CHILD:
        return ike_child_create(host, sa, stage_now(stage), err);
    case ACT_DELETE_CHILD:
        return ike_child_delete(host, sa, spi, stage_now(stage), err);
    case ACTS:
        break;
    }
    return 0;
}

static struct act once(struct stage *stage, enum act_kind kind, bool *again)
{
    struct error err = {0};
    struct act a = {.possible = true};
    size_t from = stage->n_wire;
    struct act_wait w = {.kind = kind, .from_event = stage->n_events};
    w.tag = begin_act(stage, kind, &err);
    if (!w.tag) {
        a.seen = say(stage, "it cannot be begun: %s", err.text);
        return a;
    }
    pump_until(stage, stage->patience_us, act_is_over, &w);
    const struct ike_event *refused = refusal_of(stage, &w);
    a.done = !refused && is_complete(stage, &w);
    a.packet = first_request_since(stage, from, false);
    a.seen = a.done ? "it is complete"
             : refused
                 ? say(stage, "the peer refuses it: %s", notify_name(refused->notify_error))
                 : say(stage, "it is not complete after %lld ms", (long long)(stage->patience_us / 1000));
    *again = refused && refused->notify_error == NOTIFY_TEMPORARY_FAILURE;
    if (!a.done && !refused && session_sa(stage))
        ike_sa_abandon_requests(active_host(stage), session_sa(stage));
    return a;
}

struct act member_does(struct stage *stage, const char *what)
{
    enum { TRIES = 4 };
    enum act_kind kind = kind_of(stage, what);
    bool again = true;
    struct act a = {0};
    for (unsigned i = 0; i < TRIES && again; i++) {
        again = false;
        settle(stage);
        a = once(stage, kind, &again);
    }
    return a;
}

struct act peer_does(struct stage *stage, const char *what)
{
    size_t from = stage->n_wire;
    struct act_wait w = {.kind = kind_of(stage, what), .from_event = stage->n_events};
    struct act a = {.possible = try_pull(stage, what)};
    if (!a.possible)
        return a;
    a.done = pump_until(stage, stage->patience_us, act_is_over, &w);
    a.packet = first_request_since(stage, from, true);
    a.seen = a.done ? "it is complete"
             : a.packet
                 ? say(stage, "it is not complete after %lld ms", (long long)(stage->patience_us / 1000))
                 : say(stage, "no request came in %lld ms", (long long)(stage->patience_us / 1000));
    settle(stage);
    if (a.done)
        end_asked_rekeys(stage);
    return a;
}

/* --- how it takes over --------------------------------------------------------------------------- */

void fail_over_to_new_address(struct stage *stage)
{
    struct error err = {0};
    struct cluster *c = &stage->cluster;
    struct ike_sa_info info;
    struct endpoint bound;
    if (!stage->line.spare_ike.family)
        unsupported(stage, "the cluster has one address only on the way to this peer");
    if (!ike_sa_info(active_host(stage), session_sa(stage), &info))
        inconclusive(stage, "the IKE SA is gone");
    bool natt = info.local.port == stage->line.cluster_natt.port;
    if (!link_bind(stage->line.link, &stage->line.spare_ike, &bound, &err) ||
        !link_bind(stage->line.link, &stage->line.spare_natt, &bound, &err) ||
        (stage->line.raw_esp && !link_bind_esp(stage->line.link, &stage->line.spare_ike, &err)))
        unsupported(stage, "the cluster's other address cannot be used: %s", err.text);
    c->members[(c->active + 1) % c->n_members].own_address =
        natt ? stage->line.spare_natt : stage->line.spare_ike;
    fail_over(stage);
}

static bool is_new_session(struct stage *stage, void *from)
{
    return find_event(stage, *(size_t *)from, IKE_EVENT_ESTABLISHED, 0) ||
           find_event(stage, *(size_t *)from, IKE_EVENT_DOWN, 0);
}

enum { FALL_BACK_TRIES = 2 };

static bool begins_anew(struct stage *stage, size_t *from)
{
    struct error err = {0};
    *from = stage->n_events;
    uint32_t sa = ike_host_connect(active_host(stage), &stage->line.cluster_ike, &stage->line.peer_ike,
                                   stage_now(stage), &err);
    if (!sa)
        leave_with(stage, VERDICT_ERROR, err.text);
    pump_until(stage, stage->patience_us, is_new_session, from);
    bool made = find_event(stage, *from, IKE_EVENT_ESTABLISHED, 0) && session_sa(stage);
    if (!made)
        ike_sa_forget(active_host(stage), sa);
    return made;
}

bool fall_back(struct stage *stage, const char **why)
{
    size_t from = stage->n_events;
    const struct ike_event *down = NULL;
    bool made = false;
    stage->ike.initial_contact = true;
    if (session_sa(stage))
        ike_sa_forget(active_host(stage), session_sa(stage));
    cluster_active(&stage->cluster)->sa = 0;
    unsigned tries = 0;
    for (; tries < FALL_BACK_TRIES && !made && !down; tries++) {
        made = begins_anew(stage, &from);
        down = find_event(stage, from, IKE_EVENT_DOWN, 0);
    }
    *why = made && tries > 1
               ? "it is established, once it was begun again: the first was not answered to its end"
           : made ? "it is established"
           : down ? say(stage, "it failed: %s", down->text)
                  : say(stage, "IKE_SA_INIT and IKE_AUTH were not complete in %lld ms, twice",
                        (long long)(stage->patience_us / 1000));
    settle(stage);
    return made;
}

/* --- triggers with an argument ------------------------------------------------------------------- */

int pull_once_with(struct stage *stage, const char *verb, const char *argument, struct error *err)
{
    flush_members(stage);
    int status = call_trigger(stage, verb, argument, err);
    note_trigger(stage, verb, status);
    return status;
}

const char *private_file(struct stage *stage, const char *name)
{
    if (!stage->private_folder[0]) {
        const char *folder = stage->options->folder;
        char *where = folder ? realpath(folder, NULL) : NULL;
        snprintf(stage->private_folder, sizeof stage->private_folder, "%s/private-XXXXXX",
                 where ? where : P_tmpdir);
        free(where);
        if (!mkdtemp(stage->private_folder)) { /* mode 0700 */
            stage->private_folder[0] = '\0';
            leave_with(stage, VERDICT_ERROR, "a private folder cannot be made");
        }
    }
    return say(stage, "%s/%s", stage->private_folder, name);
}

void remove_private_files(struct stage *stage)
{
    DIR *folder = stage->private_folder[0] ? opendir(stage->private_folder) : NULL;
    if (!folder)
        return;
    for (struct dirent *e; (e = readdir(folder));)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(folder), e->d_name, 0);
    closedir(folder);
    rmdir(stage->private_folder);
}
