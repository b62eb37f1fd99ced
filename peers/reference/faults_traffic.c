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

static unsigned jump_everywhere(struct traffic *t, uint32_t ike_sa, uint64_t delta)
{
    unsigned moved = 0;
    (void)ike_sa;
    for (struct traffic_sa *sa = t->oldest; sa; sa = sa->next)
        moved += esp_jump(&sa->out, delta, NULL);
    return moved;
}

void jump_on_all_ike_sas(struct reference_peer *peer)
{
    peer->jump = jump_everywhere;
}

static uint64_t end_of_numbers(const struct traffic_sa *sa)
{
    return sa->out.esn ? UINT64_MAX : UINT32_MAX;
}

static unsigned jump_around(struct traffic *t, uint32_t ike_sa, uint64_t delta)
{
    unsigned moved = 0;
    for (struct traffic_sa *sa = t->oldest; sa; sa = sa->next)
        if (sa->ike_sa == ike_sa) {
            sa->out.sent = (sa->out.sent + delta) & end_of_numbers(sa);
            moved++;
        }
    return moved;
}

void wrap_counter(struct reference_peer *peer)
{
    peer->jump = jump_around;
}

/* Octets that were not sent are 0. */
static uint64_t read_as_eight(const struct delta_view *view)
{
    struct delta_view right = *view;
    right.wide = view->esn;
    uint64_t delta = ike_rules_standard()->judge_delta(&right);
    return view->esn && !view->wide ? delta << 32 : delta;
}

void misread_narrow_delta(struct reference_peer *peer)
{
    peer->rules.judge_delta = read_as_eight;
}

/* No case asks for as much: it stands for 0. */
#define DELTA_OF_ZERO (UINT64_MAX - 1)

static uint64_t tell_zero(const struct delta_view *view)
{
    uint64_t delta = ike_rules_standard()->judge_delta(view);
    return view->negotiated && view->well_formed && view->delta == 0 ? DELTA_OF_ZERO : delta;
}

static unsigned jump_or_restart(struct traffic *t, uint32_t ike_sa, uint64_t delta)
{
    if (delta != DELTA_OF_ZERO)
        return traffic_jump(t, ike_sa, delta);
    for (struct traffic_sa *sa = t->oldest; sa; sa = sa->next)
        sa->out.sent = sa->ike_sa == ike_sa ? 0 : sa->out.sent;
    return 0;
}

void restart_on_zero_delta(struct reference_peer *peer)
{
    peer->rules.judge_delta = tell_zero;
    peer->jump = jump_or_restart;
}

void refuse_jumps(struct reference_peer *peer)
{
    peer->refuses_jumps = true;
}

void forget_esp_numbers(struct reference_peer *peer)
{
    peer->forgets_numbers = true;
}

void keep_high_half(struct reference_peer *peer)
{
    peer->keeps_high_half = true;
}

void compare_icv_loosely(struct reference_peer *peer)
{
    peer->compares_icv_loosely = true;
}

void mark_unauthentic_esp(struct reference_peer *peer)
{
    peer->marks_unauthentic = true;
}

void take_any_next_header(struct reference_peer *peer)
{
    peer->takes_any_next_header = true;
}

void stop_at_malformed_esp(struct reference_peer *peer)
{
    peer->stops_at_malformed_esp = true;
}

void go_on_below(struct reference_peer *peer)
{
    peer->goes_on_below = true;
}

void restart_ivs(struct reference_peer *peer)
{
    peer->restarts_ivs = true;
}

void stay_to_the_end(struct reference_peer *peer)
{
    peer->stays_to_the_end = true;
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

/* Two numbers in the wrong order, further from each other than packets that changed places on their way. */
static void turn_numbers_round(struct reference_peer *peer, struct traffic_sa *sa,
                               const struct inner_packet *answer)
{
    enum { TURNED_BACK = 40 };
    const struct inner_packet words = words_beside(answer);
    uint64_t first = sa->out.sent + 1, second = first + TURNED_BACK;
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

static void change_mode(struct reference_peer *peer, struct traffic_sa *sa, const struct inner_packet *answer)
{
    const struct inner_packet words = words_beside(answer);
    sa->transport_mode = !sa->transport_mode;
    reference_echo_seal(peer, sa, 0, &words);
    sa->transport_mode = !sa->transport_mode;
}

void change_esp_mode(struct reference_peer *peer)
{
    peer->after_echo = change_mode;
}
