#include "cluster/channel.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/context.h"

void channel_clear(struct sync_channel *ch)
{
    for (unsigned i = 0; i < ch->queued; i++)
        context_free(ch->queue[i].context);
    free(ch->queue);
    *ch = (struct sync_channel){0};
}

static bool room_for_one(struct sync_channel *ch)
{
    if (ch->queued < ch->capacity)
        return true;
    unsigned capacity = ch->capacity ? 2 * ch->capacity : 8;
    struct channel_update *queue = realloc(ch->queue, capacity * sizeof *queue);
    if (!queue)
        return false;
    ch->queue = queue;
    ch->capacity = capacity;
    return true;
}

static bool is_lost(struct sync_channel *ch)
{
    if (ch->down)
        return true;
    if (!ch->lose_next)
        return false;
    ch->lose_next--;
    return true;
}

static void swap_last_two(struct sync_channel *ch)
{
    struct channel_update *last = &ch->queue[ch->queued - 1], older = last[-1];
    last[-1] = last[0];
    last[0] = older;
    last[0].due_us = last[-1].due_us;
}

void channel_publish(struct sync_channel *ch, char *context, int64_t now_us)
{
    ch->sent++;
    if (is_lost(ch) || !room_for_one(ch)) {
        ch->lost++;
        context_free(context);
        return;
    }
    struct channel_update *u = &ch->queue[ch->queued++];
    *u = (struct channel_update){.serial = ++ch->serial, .due_us = now_us + ch->delay_us, .context = context};
    if (ch->waits_for_overtaker) {
        ch->waits_for_overtaker = false;
        swap_last_two(ch);
    } else if (ch->overtake_next) {
        u->due_us = CLOCK_NEVER;
        ch->overtake_next = false;
        ch->waits_for_overtaker = true;
    }
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
