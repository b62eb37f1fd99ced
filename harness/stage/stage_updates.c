/* Failures that are played: the schedule of the command line, and what a case does to the sync channel. */
#include <stdio.h>
#include <stdlib.h>

#include "stage/stage_parts.h"

/* --- of the case --------------------------------------------------------------------------------- */

void updates_fail(struct stage *stage, const char *action)
{
    struct error err = {0};
    struct sync_channel *channel = &stage->cluster.channel;
    cluster_publish(&stage->cluster, stage_now(stage));
    updates_work(stage);
    struct channel_rule rule = {.first = channel->sent + 1};
    if (!channel_action_parse(action, &rule, &err))
        leave_with(stage, VERDICT_ERROR, err.text);
    if (!channel_add_rule(channel, &rule))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    stage->updates_rule = channel->n_rules;
}

void updates_work(struct stage *stage)
{
    if (stage->updates_rule)
        channel_end_rule(&stage->cluster.channel, stage->updates_rule - 1);
    stage->updates_rule = 0;
}

/* --- of the command line ------------------------------------------------------------------------- */

bool play_schedule(struct stage *stage, struct error *err)
{
    const struct play_options *o = stage->options;
    if (!o->n_schedule)
        return true;
    stage->scheduled = calloc(o->n_schedule, sizeof *stage->scheduled);
    for (size_t i = 0; stage->scheduled && i < o->n_schedule; i++) {
        const struct schedule_rule *r = &o->schedule[i];
        if (!r->of_updates)
            stage->scheduled[i] = gate_add(stage->gate, &r->gate.match, r->gate.action);
        else if (channel_add_rule(&stage->cluster.channel, &r->update))
            stage->scheduled[i] = stage->cluster.channel.n_rules;
        if (!stage->scheduled[i])
            return fail(err, "out of memory");
    }
    return stage->scheduled || fail(err, "out of memory");
}

static bool was_met(const struct stage *stage, size_t index)
{
    if (!stage->options->schedule[index].of_updates)
        return gate_rule_acted(stage->gate, stage->scheduled[index]);
    return stage->cluster.channel.rules[stage->scheduled[index] - 1].met > 0;
}

static void record_unmet(struct stage *stage)
{
    const struct play_options *o = stage->options;
    struct schedule_rule unmet[SCHEDULE_MAX_RULES];
    size_t n = 0;
    for (size_t i = 0; i < o->n_schedule && i < SCHEDULE_MAX_RULES; i++)
        if (!was_met(stage, i))
            unmet[n++] = o->schedule[i];
    schedule_print(unmet, n, stage->outcome->unmet, sizeof stage->outcome->unmet);
}

/* Those of the command line stand first in the channel, too. */
static size_t all_rules(const struct stage *stage, struct schedule_rule *out, size_t max)
{
    const struct play_options *o = stage->options;
    const struct sync_channel *channel = &stage->cluster.channel;
    size_t n = 0, given = 0;
    for (size_t i = 0; i < o->n_schedule && n < max; i++) {
        given += o->schedule[i].of_updates;
        out[n++] = o->schedule[i];
    }
    for (size_t i = given; i < channel->n_rules && n < max; i++)
        if (channel->rules[i].met > 0)
            out[n++] = (struct schedule_rule){.of_updates = true, .update = channel->rules[i].rule};
    return n;
}

void record_schedule(struct stage *stage)
{
    struct schedule_rule rules[2 * SCHEDULE_MAX_RULES];
    if (!stage->cluster_up)
        return;
    updates_work(stage);
    size_t n = all_rules(stage, rules, sizeof rules / sizeof *rules);
    schedule_print(rules, n, stage->outcome->schedule, sizeof stage->outcome->schedule);
    if (!stage->scheduled)
        return;
    record_unmet(stage);
    for (size_t i = 0; i < stage->options->n_schedule; i++)
        if (!stage->options->schedule[i].of_updates)
            gate_remove(stage->gate, stage->scheduled[i]);
    free(stage->scheduled);
    stage->scheduled = NULL;
}
