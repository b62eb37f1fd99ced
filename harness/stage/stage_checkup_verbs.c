#include <stdio.h>

#include "stage/checkup_parts.h"

/* What shows that the peer did what the trigger is for. */
static bool has_done(const struct stage *stage, const char *verb, size_t from_wire, size_t from_event)
{
    for (size_t i = from_event; i < stage->n_events; i++) {
        const struct ike_event *e = &stage->events[i];
        if ((strcmp(verb, "rekey-child") == 0 && e->kind == IKE_EVENT_CHILD_UP && e->replaced_spi) ||
            (strcmp(verb, "add-child") == 0 && e->kind == IKE_EVENT_CHILD_UP && !e->replaced_spi) ||
            (strcmp(verb, "delete-child") == 0 && e->kind == IKE_EVENT_CHILD_DOWN) ||
            (strcmp(verb, "rekey-ike") == 0 && e->kind == IKE_EVENT_ESTABLISHED && e->replaces) ||
            (strcmp(verb, "delete") == 0 && e->kind == IKE_EVENT_DOWN))
            return true;
    }
    for (size_t i = from_wire; i < stage->n_wire; i++)
        if (strcmp(verb, "liveness") == 0 && packet_is(stage->wire[i], true, false, EXCHANGE_INFORMATIONAL) &&
            stage->wire[i]->opened && !stage->wire[i]->copy_of)
            return true;
    return false;
}

struct doing {
    const char *verb;
    size_t from_wire, from_event;
};

static bool is_done(struct stage *stage, void *arg)
{
    const struct doing *doing = arg;
    return has_done(stage, doing->verb, doing->from_wire, doing->from_event);
}

static void pull_one(struct stage *stage, struct checkup_verb *verb)
{
    struct doing doing = {verb->name, stage->n_wire, stage->n_events};
    struct error err = {0};
    flush_members(stage);
    verb->tried = true;
    verb->status = call_trigger(stage, verb->name, NULL, &err);
    note_trigger(stage, verb->name, verb->status);
    snprintf(verb->why, sizeof verb->why, "%s", err.text);
    if (verb->status != 0)
        return;
    verb->seen = pump_until(stage, stage->patience_us, is_done, &doing);
    /* What belongs to it (the delete behind a rekey) must not be taken for the next. */
    settle(stage);
    pump_for(stage, CLOCK_MS(100));
}

static void play_verbs(struct stage *stage)
{
    struct checkup_verbs *out = checkup_out(stage);
    if (!checkup_establish(stage, &out->session))
        return;
    for (unsigned i = 0; i < out->count; i++) {
        if (!session_sa(stage) && !try_establish(stage, NULL))
            return;
        if (!out->session.has_child && strstr(out->list[i].name, "child"))
            continue;
        pull_one(stage, &out->list[i]);
    }
}

void checkup_verbs(struct checkup *checkup, struct checkup_verbs *out)
{
    static const struct checkup_verb all[] = {
        {.name = "liveness", .does = "the peer sends an empty INFORMATIONAL request"},
        {.name = "add-child", .does = "the peer makes one more Child SA"},
        {.name = "rekey-child", .does = "the peer rekeys a Child SA"},
        {.name = "delete-child", .does = "the peer deletes a Child SA"},
        {.name = "rekey-ike", .does = "the peer rekeys the IKE SA"},
        {.name = "delete", .does = "the peer deletes the IKE SA"},
    };
    const struct checkup_case of = {{.id = "checkup", .play = play_verbs}, out};
    const struct combination combination = {.value = {[AXIS_ROLE] = ROLE_RESPONDER}};
    *out = (struct checkup_verbs){.count = sizeof all / sizeof *all};
    memcpy(out->list, all, sizeof all);
    checkup_play(checkup, &of, &combination, &out->session);
}
