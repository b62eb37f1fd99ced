#include "explore/explore.h"

#include <stdlib.h>
#include <string.h>

#include "explore/world.h"

static bool open_explorer(struct explorer *x, const struct explore_options *o, struct error *err)
{
    struct explore_world *w = &x->world;
    x->seed = o->seed;
    x->variant = o->variant ? variant_find(o->variant) : NULL;
    if (o->variant && !x->variant)
        return fail(err, "there is no variant \"%s\"", o->variant);
    w->looks_for = x->variant ? x->variant->breaks : NULL;
    w->packets = malloc(EXPLORE_MAX_PACKETS * sizeof *w->packets);
    if (!w->packets)
        return fail(err, "out of memory");
    for (enum explore_side side = SIDE_MEMBER; side < SIDES; side++) {
        if (!end_open(w, side, side == SIDE_PEER ? o->fault : NULL, err))
            return false;
        if (x->variant)
            x->variant->speak(&w->ends[side].peer->rules);
    }
    return world_establish(x, false, err) && world_establish(x, true, err);
}

struct explorer *explorer_new(const struct explore_options *options, struct error *err)
{
    struct explorer *x = calloc(1, sizeof *x);
    if (!x) {
        fail(err, "out of memory");
        return NULL;
    }
    if (open_explorer(x, options, err))
        return x;
    fail_within(err, "exploration");
    explorer_free(x);
    return NULL;
}

void explorer_free(struct explorer *x)
{
    if (!x)
        return;
    world_clear(&x->world);
    for (enum explore_side side = SIDE_MEMBER; side < SIDES; side++) {
        end_close(&x->world.ends[side]);
        ike_snapshot_free(x->sessions[0][side]);
        ike_snapshot_free(x->sessions[1][side]);
    }
    free(x->world.packets);
    free(x->world.notes);
    free(x->world.keys);
    free(x);
}

bool explorer_play(struct explorer *x, const struct explore_schedule *s, struct explore_outcome *out,
                   struct error *err)
{
    return world_play(x, s, out, err);
}

void explorer_draw(const struct explorer *x, uint64_t number, struct explore_schedule *out)
{
    struct random_source random = random_from_seed(x->seed * UINT64_C(0x9e3779b97f4a7c15) + number);
    explore_draw(&random, out);
}
