/* The Child SAs of the session: which there are, and what the active member does with them. */
#include "cluster/data_path.h"
#include "stage/stage_parts.h"
#include "stage/traffic.h"

static struct traffic *active_traffic(struct stage *stage)
{
    return cluster_active(&stage->cluster)->traffic;
}

static struct child_sa described(const struct traffic_sa *sa)
{
    return (struct child_sa){.spi = sa->in.spi,
                             .spi_peer = sa->out.spi,
                             .sent = sa->out.sent,
                             .received = sa->in.window.highest,
                             .esn = sa->out.esn};
}

static unsigned child_sas_under(struct stage *stage, uint32_t ike_sa, struct child_sa *out, unsigned max)
{
    struct traffic_sa *sas[TRAFFIC_MAX_SAS];
    unsigned n = traffic_sas(active_traffic(stage), ike_sa, sas, TRAFFIC_MAX_SAS);
    for (unsigned i = 0; i < n && i < max && i < TRAFFIC_MAX_SAS; i++)
        out[i] = described(sas[i]);
    return out && n > max ? max : n;
}

unsigned child_sas(struct stage *stage, struct child_sa *out, unsigned max)
{
    return child_sas_under(stage, session_sa(stage), out, max);
}

unsigned child_sas_of_other(struct stage *stage, struct child_sa *out, unsigned max)
{
    return child_sas_under(stage, stage->other, out, max);
}

bool child_sa_of(struct stage *stage, uint32_t spi, struct child_sa *out)
{
    const struct traffic_sa *sa = traffic_sa_of(active_traffic(stage), spi);
    if (sa)
        *out = described(sa);
    return sa != NULL;
}

struct child_wait {
    size_t from_event;
    uint32_t tag;
};

static bool is_answered(struct stage *stage, void *arg)
{
    const struct child_wait *w = arg;
    return find_event(stage, w->from_event, IKE_EVENT_ANSWERED, w->tag) ||
           find_event(stage, w->from_event, IKE_EVENT_GAVE_UP, w->tag) || !stage->session;
}

/* 0: it is there; NULL in `answered`: no answer. */
static uint16_t ask_for_child(struct stage *stage, const struct ike_event **answered)
{
    struct error err = {0};
    struct child_wait wait = {.from_event = stage->n_events};
    wait.tag = ike_child_create(active_host(stage), session_sa(stage), stage_now(stage), &err);
    if (!wait.tag)
        inconclusive(stage, "no further Child SA can be asked for: %s", err.text);
    pump_until(stage, stage->patience_us, is_answered, &wait);
    *answered = find_event(stage, wait.from_event, IKE_EVENT_ANSWERED, wait.tag);
    flush_members(stage);
    return *answered ? (*answered)->notify_error : 0;
}

bool add_child_sa(struct stage *stage, const char **why)
{
    const struct ike_event *answered;
    uint16_t refused = ask_for_child(stage, &answered);
    if (why)
        *why = !answered ? "the peer did not answer the request for a Child SA"
               : refused ? say(stage, "the peer refuses it: %s", notify_name(refused))
                         : "the peer makes it";
    return answered && !refused;
}

void make_child_sas(struct stage *stage, unsigned n)
{
    unsigned asked = 0; /* a peer may delete one for each that it makes */
    for (unsigned have; (have = child_sas(stage, NULL, 0)) < n;) {
        const struct ike_event *answered;
        if (asked++ == 2 * n)
            inconclusive(stage, "of the Child SAs that were made %u are left, where %u are wanted", have, n);
        uint16_t refused = ask_for_child(stage, &answered);
        if (refused)
            unsupported(stage, "the peer refuses Child SA %u of %u: %s", have + 1, n, notify_name(refused));
        if (!answered)
            inconclusive(stage, "Child SA %u of %u: the peer did not answer", have + 1, n);
    }
}

static bool is_gone(struct stage *stage, void *spi)
{
    struct child_sa sa;
    return !child_sa_of(stage, *(const uint32_t *)spi, &sa) || !stage->session;
}

static bool has_successor(struct stage *stage, void *spi)
{
    for (size_t i = 0; i < stage->n_events; i++)
        if (stage->events[i].kind == IKE_EVENT_CHILD_UP &&
            stage->events[i].replaced_spi == *(const uint32_t *)spi)
            return true;
    return is_gone(stage, spi);
}

bool await_successor(struct stage *stage, uint32_t spi)
{
    return pump_until(stage, stage->patience_us, has_successor, &spi);
}

bool delete_child_sa(struct stage *stage, uint32_t spi)
{
    return ike_child_delete(active_host(stage), session_sa(stage), spi, stage_now(stage), NULL) &&
           pump_until(stage, stage->patience_us, is_gone, &spi);
}

struct rekey_wait {
    struct child_wait request;
    uint32_t spi;
};

static bool is_rekeyed(struct stage *stage, void *arg)
{
    const struct rekey_wait *w = arg;
    const struct ike_event *answer =
        find_event(stage, w->request.from_event, IKE_EVENT_ANSWERED, w->request.tag);
    uint32_t spi = w->spi;
    return is_gone(stage, &spi) || (answer && answer->notify_error);
}

/* Begins it once; the error with which the peer refuses it, or 0. */
static uint16_t try_rekey(struct stage *stage, uint32_t spi, int64_t until_us)
{
    struct rekey_wait w = {.request.from_event = stage->n_events, .spi = spi};
    w.request.tag = ike_child_rekey(active_host(stage), session_sa(stage), spi, stage_now(stage), NULL);
    if (!w.request.tag)
        return 0;
    pump_until(stage, until_us - stage_now(stage), is_rekeyed, &w);
    const struct ike_event *answer =
        find_event(stage, w.request.from_event, IKE_EVENT_ANSWERED, w.request.tag);
    return answer ? answer->notify_error : 0;
}

static const struct ike_event *successor_of(const struct stage *stage, size_t from, uint32_t spi)
{
    for (; from < stage->n_events; from++)
        if (stage->events[from].kind == IKE_EVENT_CHILD_UP && stage->events[from].replaced_spi == spi)
            return &stage->events[from];
    return NULL;
}

bool rekey_child_sa(struct stage *stage, uint32_t spi, uint32_t *successor, const char **why)
{
    enum { REFUSALS = 8 }; /* RFC 7296 2.25: what TEMPORARY_FAILURE refuses is tried again later */
    size_t from = stage->n_events;
    int64_t until = stage_now(stage) + stage->patience_us;
    uint16_t refused = try_rekey(stage, spi, until);
    while (refused == NOTIFY_TEMPORARY_FAILURE && stage_now(stage) < until &&
           !pump_until(stage, stage->patience_us / REFUSALS, is_gone, &spi))
        refused = try_rekey(stage, spi, until);
    const struct ike_event *made = is_gone(stage, &spi) ? successor_of(stage, from, spi) : NULL;
    if (made && successor)
        *successor = made->child_spi;
    if (!made && why)
        *why = refused ? say(stage, "the peer refuses it: %s", notify_name(refused))
                       : say(stage, "it is not complete in %lld ms", (long long)(stage->patience_us / 1000));
    return made != NULL;
}
