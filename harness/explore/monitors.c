/* The monitors of the stage over the record of a schedule: what the peer sent, then, with the sides changed,
 * what the member's cluster sent. */
#include <stdlib.h>
#include <string.h>

#include "explore/world.h"
#include "stage/monitor.h"

struct judgement {
    struct explore_world *world;
    enum explore_side side;
};

/* Of the others the observer knows more than the wire shows (rules.c): which member said something, and what
 * arrived. */
static bool is_for_monitors(const char *requirement)
{
    static const char *const rules[] = {"IKE-1", "IKE-4", "IKE-5", "IKE-6", "IKE-7",
                                        "FMT-1", "FMT-2", "FMT-3", "FMT-4"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(requirement, rules[i]) == 0)
            return true;
    return false;
}

static const struct explore_packet *packet_of(const struct wire_packet *p)
{
    return (const struct explore_packet *)p; /* its first member */
}

static void found(void *state, const struct monitor_finding *f)
{
    const struct judgement *j = state;
    if (is_for_monitors(f->requirement))
        world_found(j->world, f->requirement, j->side, f->packet ? packet_of(f->packet) : NULL,
                    f->beside ? packet_of(f->beside) : NULL, "%s", f->seen);
}

void judge_by_monitors(struct explore_world *w)
{
    const struct wire_packet **list = malloc(w->n_packets * sizeof(const struct wire_packet *));
    const struct endpoint addresses[SIDES] = {
        [SIDE_MEMBER] = w->ends[SIDE_MEMBER].peer->local, [SIDE_PEER] = w->ends[SIDE_PEER].peer->local};
    w->memory_out = w->memory_out || (!list && w->n_packets > 0);
    for (enum explore_side side = SIDE_PEER; list; side = SIDE_MEMBER) {
        for (size_t i = 0; i < w->n_packets; i++) {
            list[i] = &w->packets[i].wire;
            w->packets[i].wire.from_peer = w->packets[i].from == side;
        }
        struct judgement j = {w, side};
        const struct monitor_view view = {.packets = list,
                                          .count = w->n_packets,
                                          .keys = w->keys,
                                          .n_keys = w->n_keys,
                                          .addresses = addresses,
                                          .n_addresses = SIDES,
                                          .lossy = true,
                                          .found = found,
                                          .state = &j};
        w->memory_out = !monitor_packets(&view).complete || w->memory_out;
        if (side == SIDE_MEMBER)
            break;
    }
    free(list);
}
