/* RPL-4: who answers one ESP packet twice has answered a replay of it. Seen where the answer shows what it
 * answers: an ICMP echo, or a UDP datagram that comes back with the same octets. */
#include <stdlib.h>

#include "esp/carried.h"
#include "judge/esp_parts.h"

enum { ECHOES_MAX = 256 };

struct echo {
    uint64_t key; /* 0: none */
    uint64_t asked_seq;
    uint32_t asked_spi;
    uint64_t asked_turn;     /* first */
    bool asked, asked_again; /* by another ESP packet */
    bool replayed;           /* the ESP packet came again */
    bool answered, answered_again;
    struct judge_frame answer;
    enum judge_party asker;
};

static uint64_t mix(uint64_t h, const void *at, size_t len)
{
    const uint8_t *octets = at;
    for (size_t i = 0; i < len; i++)
        h = (h ^ octets[i]) * UINT64_C(1099511628211);
    return h;
}

/* The same for the question and its answer. */
static uint64_t key_of(const struct inner_packet *in, enum judge_party asker, bool answer)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)asker;
    bool turned = answer && in->kind == INNER_UDP;
    uint16_t numbers[3] = {turned ? in->b : in->a, turned ? in->a : in->b, in->kind == INNER_UDP};
    h = mix(h, answer ? in->destination : in->source, inner_address_len(in));
    h = mix(h, answer ? in->source : in->destination, inner_address_len(in));
    h = mix(h, numbers, sizeof numbers);
    h = mix(h, in->data.at, in->data.len < 64 ? in->data.len : 64);
    return h | 1;
}

static void note_held(struct ike_unit *u, const struct echo *e)
{
    if (e->replayed && e->answered && !e->answered_again)
        ledger_held(&u->ledger, other_party(e->asker), "RPL-4");
}

static struct echo *place_of(struct ike_unit *u, uint64_t key)
{
    return u->echoes ? &u->echoes[(key >> 32 ^ key >> 1) % ECHOES_MAX] : NULL;
}

static void note_question(struct ike_unit *u, const struct esp_unit *e, const struct esp_packet *x,
                          uint64_t key, enum esp_copy copy)
{
    if (!u->echoes && !(u->echoes = calloc(ECHOES_MAX, sizeof *u->echoes))) {
        u->judge->result.memory_out = true;
        return;
    }
    struct echo *echo = place_of(u, key);
    if (echo->key != key) {
        note_held(u, echo);
        *echo = (struct echo){.key = key, .asker = e->esp->from};
    }
    if (!echo->asked)
        echo->asked_turn = x->p->turn;
    if (echo->asked && (echo->asked_seq != x->seq || echo->asked_spi != e->esp->spi))
        echo->asked_again = true;
    echo->replayed = echo->replayed || (copy == COPY_ON_PATH && echo->asked);
    echo->asked = true;
    echo->asked_seq = x->seq;
    echo->asked_spi = e->esp->spi;
}

static void judge_answer(struct esp_unit *e, const struct esp_packet *x, struct echo *echo)
{
    struct judge_frame at = frame_of(x->p);
    if (echo->answered && !echo->asked_again && !e->ledger.judge->options.lossy) {
        echo->answered_again = true;
        ledger_broken(&e->ledger, e->esp->from, "RPL-4", FRAMES(echo->answer, at),
                      "a replayed ESP packet is dropped", "packets %u and %u both answer one ESP packet",
                      echo->answer.number, at.number);
    }
    if (!echo->answered)
        echo->answer = at;
    echo->answered = true;
}

uint64_t echoes_take(struct esp_unit *e, const struct esp_packet *x, enum esp_copy copy)
{
    struct inner_packet in;
    const struct esp_opened opened = {.next_header = x->next_header, .inner = x->inner};
    if (!e->unit ||
        !read_carried(&opened, e->knows_mode && e->transport_mode, &x->p->wire.datagram, &in, NULL))
        return 0;
    uint64_t key = key_of(&in, other_party(e->esp->from), true);
    struct echo *echo = in.kind == INNER_ECHO_REQUEST ? NULL : place_of(e->unit, key);
    if (echo && echo->key == key && echo->asked) {
        if (copy == COPY_NONE)
            judge_answer(e, x, echo);
        return echo->asked_turn;
    }
    if (in.kind != INNER_ECHO_REPLY && in.kind != INNER_PORT_UNREACHABLE)
        note_question(e->unit, e, x, key_of(&in, e->esp->from, false), copy);
    return 0;
}

void echoes_conclude(struct ike_unit *u)
{
    for (size_t i = 0; u->echoes && i < ECHOES_MAX; i++)
        note_held(u, &u->echoes[i]);
    free(u->echoes);
    u->echoes = NULL;
}
