#include "cluster/channel.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/channel_edit.h"
#include "cluster/context.h"

void channel_clear(struct sync_channel *ch)
{
    for (unsigned i = 0; i < ch->queued; i++)
        context_free(ch->queue[i].context);
    context_free(ch->told);
    free(ch->queue);
    free(ch->rules);
    *ch = (struct sync_channel){0};
}

/* --- rules --------------------------------------------------------------------------------------- */

bool channel_add_rule(struct sync_channel *ch, const struct channel_rule *rule)
{
    struct active_channel_rule *rules = realloc(ch->rules, (ch->n_rules + 1) * sizeof *rules);
    if (!rules)
        return false;
    ch->rules = rules;
    ch->rules[ch->n_rules++] = (struct active_channel_rule){.rule = *rule};
    return true;
}

void channel_end_rule(struct sync_channel *ch, unsigned index)
{
    struct channel_rule *rule = &ch->rules[index].rule;
    if (rule->first > ch->sent)
        rule->first = rule->last = UINT32_MAX; /* none was sent since */
    else if (rule->last == 0 || rule->last > ch->sent)
        rule->last = ch->sent;
}

static bool rule_matches(const struct channel_rule *rule, unsigned number)
{
    return number >= rule->first && (rule->last == 0 || number <= rule->last);
}

/* What the rules make of one update. */
struct fate {
    bool lost, twice, swapped, periodic;
    int64_t delay_us, period_us;
    char *context;
};

/* Takes the old text back when it could not be edited: an update that nothing can be made of is lost. */
static void edit(struct fate *fate, const char *told, enum children_edit how)
{
    char *edited = context_edit_children(fate->context, told, how);
    if (!edited) {
        fate->lost = true;
        return;
    }
    context_free(fate->context);
    fate->context = edited;
}

static void apply(const struct sync_channel *ch, const struct channel_rule *rule, struct fate *fate)
{
    switch (rule->action) {
    case CHANNEL_LOSE:
        fate->lost = true;
        break;
    case CHANNEL_DELAY:
        fate->delay_us += rule->amount;
        break;
    case CHANNEL_DUPLICATE:
        fate->twice = true;
        break;
    case CHANNEL_SWAP:
        fate->swapped = true;
        break;
    case CHANNEL_EVERY:
        fate->lost = (ch->sent - rule->first + 1) % rule->amount != 0;
        break;
    case CHANNEL_PERIOD:
        fate->periodic = true;
        fate->period_us = rule->amount;
        break;
    case CHANNEL_IKE_ONLY:
        edit(fate, ch->told, CHILDREN_AS_TOLD);
        break;
    case CHANNEL_WITHOUT_LAST_CHILD:
        edit(fate, ch->told, CHILDREN_WITHOUT_LAST);
        break;
    case CHANNEL_WITH_DELETED_CHILDREN:
        edit(fate, ch->told, CHILDREN_WITH_DELETED);
        break;
    }
}

static void decide(struct sync_channel *ch, struct fate *fate)
{
    fate->lost = ch->down;
    for (unsigned i = 0; i < ch->n_rules && !fate->lost; i++) {
        if (!rule_matches(&ch->rules[i].rule, ch->sent))
            continue;
        ch->rules[i].met++;
        apply(ch, &ch->rules[i].rule, fate);
    }
}

void channel_tell(const struct sync_channel *ch, uint64_t number, enum channel_fate fate)
{
    if (ch->watch.tell)
        ch->watch.tell(ch->watch.state, number, fate);
}

/* --- on the way ---------------------------------------------------------------------------------- */

static bool room_for_two(struct sync_channel *ch)
{
    if (ch->queued + 2 <= ch->capacity)
        return true;
    unsigned capacity = ch->capacity ? 2 * ch->capacity : 8;
    struct channel_update *queue = realloc(ch->queue, capacity * sizeof *queue);
    if (!queue)
        return false;
    ch->queue = queue;
    ch->capacity = capacity;
    return true;
}

static void swap_last_two(struct sync_channel *ch)
{
    struct channel_update *last = &ch->queue[ch->queued - 1], older = last[-1];
    last[-1] = last[0];
    last[0] = older;
    last[0].due_us = last[-1].due_us;
}

static void enqueue(struct sync_channel *ch, const struct channel_update *u, bool swapped)
{
    ch->queue[ch->queued++] = *u;
    if (ch->waits_for_overtaker) {
        ch->waits_for_overtaker = false;
        swap_last_two(ch);
    } else if (swapped) {
        ch->queue[ch->queued - 1].due_us = CLOCK_NEVER;
        ch->waits_for_overtaker = true;
    }
}

/* A periodic update that still waits gives its place to the newer one. */
static bool takes_a_place(struct sync_channel *ch, const struct channel_update *u, int64_t now_us)
{
    for (unsigned i = 0; i < ch->queued; i++) {
        struct channel_update *waiting = &ch->queue[i];
        if (!waiting->periodic || waiting->due_us <= now_us)
            continue;
        channel_tell(ch, waiting->serial, CHANNEL_LOST);
        channel_tell(ch, u->serial, CHANNEL_ON_ITS_WAY);
        context_free(waiting->context);
        waiting->context = u->context;
        waiting->serial = u->serial;
        ch->lost++;
        return true;
    }
    return false;
}

static void send_out(struct sync_channel *ch, const struct fate *fate, int64_t now_us)
{
    struct channel_update u = {.serial = ch->sent,
                               .due_us = now_us + fate->delay_us,
                               .periodic = fate->periodic,
                               .context = fate->context};
    if (fate->periodic && takes_a_place(ch, &u, now_us))
        return;
    if (fate->periodic) {
        int64_t goes = ch->next_period_us > now_us ? ch->next_period_us : now_us;
        ch->next_period_us = goes + fate->period_us;
        u.due_us = goes + fate->delay_us;
    }
    if (u.due_us > now_us || (fate->swapped && !ch->waits_for_overtaker))
        channel_tell(ch, u.serial, CHANNEL_ON_ITS_WAY);
    enqueue(ch, &u, fate->swapped);
    if (!fate->twice)
        return;
    u.context = strdup(fate->context);
    if (u.context)
        enqueue(ch, &u, false);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is taken over */
void channel_publish(struct sync_channel *ch, char *context, int64_t now_us)
{
    struct fate fate = {.context = context};
    ch->sent++;
    decide(ch, &fate);
    if (fate.lost || !room_for_two(ch)) {
        ch->lost++;
        channel_tell(ch, ch->sent, CHANNEL_LOST);
        context_free(fate.context);
        return;
    }
    context_free(ch->told);
    ch->told = strdup(fate.context);
    send_out(ch, &fate, now_us);
}

/* Of those that are due, the one that arrives first; of two at one moment, the one in front. */
static struct channel_update *first_to_arrive(struct sync_channel *ch, int64_t now_us)
{
    struct channel_update *first = NULL;
    for (unsigned i = 0; i < ch->queued; i++)
        if (ch->queue[i].due_us <= now_us && (!first || ch->queue[i].due_us < first->due_us))
            first = &ch->queue[i];
    return first;
}

bool channel_take(struct sync_channel *ch, int64_t now_us, struct channel_update *out)
{
    struct channel_update *first = first_to_arrive(ch, now_us);
    if (!first)
        return false;
    *out = *first;
    size_t behind = (size_t)(&ch->queue[ch->queued] - first - 1);
    memmove(first, first + 1, behind * sizeof *first);
    ch->queued--;
    return true;
}

int64_t channel_deadline(const struct sync_channel *ch)
{
    int64_t earliest = CLOCK_NEVER;
    for (unsigned i = 0; i < ch->queued; i++)
        earliest = clock_earlier(earliest, ch->queue[i].due_us);
    return earliest;
}
