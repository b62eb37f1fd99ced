/* Faults of the data path. */
#include "peers/reference/echo.h"
#include "peers/reference/faults.h"

static uint64_t no_delta(const struct delta_view *view)
{
    (void)view;
    return 0;
}

void ignore_delta(struct reference_peer *peer)
{
    peer->rules.judge_delta = no_delta;
}

static unsigned jump_oldest(struct traffic *t, uint32_t ike_sa, uint64_t delta)
{
    struct traffic_sa *oldest;
    return traffic_sas(t, ike_sa, &oldest, 1) > 0 && esp_jump(&oldest->out, delta, NULL);
}

void jump_on_one_sa(struct reference_peer *peer)
{
    peer->jump = jump_oldest;
}

void refuse_jumps(struct reference_peer *peer)
{
    peer->refuses_jumps = true;
}
