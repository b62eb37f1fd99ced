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

/* --- what the monitors find: a packet besides that nobody asked for ------------------------------- */

static struct inner_packet words_beside(const struct inner_packet *answer)
{
    enum { DISCARD_PORT = 9 };
    struct inner_packet p = *answer;
    p.kind = INNER_UDP;
    p.a = p.b = DISCARD_PORT;
    return p;
}

/* Two numbers in the wrong order. */
static void turn_numbers_round(struct reference_peer *peer, struct traffic_sa *sa,
                               const struct inner_packet *answer)
{
    const struct inner_packet words = words_beside(answer);
    uint64_t first = sa->out.sent + 1, second = first + 1;
    if (reference_echo_seal(peer, sa, second, &words) && reference_echo_seal(peer, sa, first, &words))
        sa->out.sent = second;
}

void turn_esp_numbers_round(struct reference_peer *peer)
{
    peer->after_echo = turn_numbers_round;
}

static void repeat_iv(struct reference_peer *peer, struct traffic_sa *sa, const struct inner_packet *answer)
{
    const struct inner_packet words = words_beside(answer);
    sa->out.iv_base--;
    reference_echo_seal(peer, sa, 0, &words);
    sa->out.iv_base++;
}

void repeat_esp_ivs(struct reference_peer *peer)
{
    peer->after_echo = repeat_iv;
}

static void use_unknown_spi(struct reference_peer *peer, struct traffic_sa *sa,
                            const struct inner_packet *answer)
{
    const struct inner_packet words = words_beside(answer);
    sa->out.spi ^= 1;
    reference_echo_seal(peer, sa, 0, &words);
    sa->out.spi ^= 1;
}

void use_unknown_esp_spi(struct reference_peer *peer)
{
    peer->after_echo = use_unknown_spi;
}

static void leave_selectors(struct reference_peer *peer, struct traffic_sa *sa,
                            const struct inner_packet *answer)
{
    struct inner_packet words = words_beside(answer);
    words.source[0] ^= 0x40;
    reference_echo_seal(peer, sa, 0, &words);
}

void leave_esp_selectors(struct reference_peer *peer)
{
    peer->after_echo = leave_selectors;
}
