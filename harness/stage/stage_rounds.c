#include "stage/rounds.h"

#include "stage/stage_parts.h"

enum { LONG_REST_EVERY = 4, LONG_RESTS = 20, SIGN_OF_LIFE_US = 15000000 };

static const int64_t VIRTUAL_IDLE_US = INT64_C(600) * 1000000;

bool next_round(struct stage *stage, struct rounds *r, unsigned few)
{
    int64_t soak_us = stage->options->soak_us;
    if (r->n == 0)
        r->began_us = stage_now(stage);
    bool over = soak_us ? stage_now(stage) - r->began_us >= soak_us : r->n >= few;
    if (over && r->n > 0)
        return false;
    r->n++;
    stage->rounds = *r;
    stage->round_wire = stage->n_wire;
    stage->round_octets = stage->wire_octets;
    note_round(stage, r->n);
    return true;
}

static bool never(struct stage *stage, void *arg)
{
    (void)stage;
    (void)arg;
    return false;
}

/* The time belongs to the peer: it counts as waited for it. */
void rest(struct stage *stage, const struct rounds *r)
{
    int64_t rest_us =
        stage->line.virtual_time ? VIRTUAL_IDLE_US : CLOCK_MS(stage->options->driver->config.idle_ms);
    int64_t soak_us = stage->options->soak_us;
    if (r->n % LONG_REST_EVERY == 0 && soak_us / LONG_RESTS > rest_us)
        rest_us = soak_us / LONG_RESTS;
    for (int64_t until = stage_now(stage) + rest_us, left; (left = until - stage_now(stage)) > 0;) {
        pump_until(stage, left < SIGN_OF_LIFE_US ? left : SIGN_OF_LIFE_US, never, NULL);
        sign_of_life(stage);
    }
}

const char *time_of_rounds(struct stage *stage, const struct rounds *r)
{
    long long s = (stage_now(stage) - r->began_us) / 1000000;
    if (s >= 3600)
        return say(stage, "%lld h %lld min %lld s", s / 3600, s / 60 % 60, s % 60);
    if (s >= 60)
        return say(stage, "%lld min %lld s", s / 60, s % 60);
    return say(stage, "%lld s", s);
}

const char *rounds_text(struct stage *stage, const struct rounds *r)
{
    return say(stage, "%u round%s in %s", r->n, r->n == 1 ? "" : "s", time_of_rounds(stage, r));
}
