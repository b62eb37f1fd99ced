#include "stage/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/reader.h"
#include "wire/natt.h"

struct parcel {
    struct datagram datagram;
    enum gate_direction direction;
    size_t number;
    bool for_swap;
    struct parcel *prev, *next;
};

struct active_rule {
    struct gate_rule rule;
    unsigned id;
    unsigned seen; /* datagrams that matched, whether or not it was their turn */
    bool acted;
    struct active_rule *prev, *next;
};

struct lane {
    struct parcel *held;
    struct gate_record *log;
    size_t offered, taken, log_capacity;
};

struct gate {
    struct active_rule *rules;
    unsigned last_id;
    struct parcel *passed;
    struct lane lanes[GATE_DIRECTIONS];
};

struct gate *gate_new(void)
{
    return calloc(1, sizeof(struct gate));
}

static void free_parcel(struct parcel *p)
{
    datagram_clear(&p->datagram);
    free(p);
}

static void free_parcels(struct parcel **list)
{
    while (*list) {
        struct parcel *p = *list;
        DL_DELETE(*list, p);
        free_parcel(p);
    }
}

void gate_free(struct gate *gate)
{
    if (!gate)
        return;
    while (gate->rules)
        gate_remove(gate, gate->rules->id);
    free_parcels(&gate->passed);
    for (size_t i = 0; i < GATE_DIRECTIONS; i++) {
        free_parcels(&gate->lanes[i].held);
        free(gate->lanes[i].log);
    }
    free(gate);
}

/* --- rules --------------------------------------------------------------------------------------- */

unsigned gate_add(struct gate *gate, const struct gate_match *match, enum gate_action action)
{
    struct active_rule *r = calloc(1, sizeof *r);
    if (!r)
        return 0;
    r->rule = (struct gate_rule){.match = *match, .action = action};
    r->id = ++gate->last_id;
    DL_APPEND(gate->rules, r);
    return r->id;
}

void gate_remove(struct gate *gate, unsigned id)
{
    struct active_rule *r;
    DL_SEARCH_SCALAR(gate->rules, r, id, id);
    if (r) {
        DL_DELETE(gate->rules, r);
        free(r);
    }
}

bool gate_rule_acted(const struct gate *gate, unsigned id)
{
    const struct active_rule *r;
    DL_SEARCH_SCALAR(gate->rules, r, id, id);
    return r && r->acted;
}

static bool rule_matches(const struct gate_match *m, enum gate_direction direction,
                         const struct gate_record *what)
{
    if (m->direction != direction)
        return false;
    if (!what->is_ike)
        return m->exchange == 0 && m->response < 0 && m->message_id < 0;
    return (m->exchange == 0 || m->exchange == what->exchange) &&
           (m->response < 0 || (m->response != 0) == what->response) &&
           (m->message_id < 0 || m->message_id == (int64_t)what->message_id);
}

/* Every matching rule counts the datagram, so that an ordinal means the same whatever other rules do; the
 * first one whose turn it is decides. */
static struct active_rule *decide(struct gate *gate, enum gate_direction direction,
                                  const struct gate_record *what)
{
    struct active_rule *r, *chosen = NULL;
    DL_FOREACH(gate->rules, r)
    {
        const struct gate_match *m = &r->rule.match;
        if (!rule_matches(m, direction, what))
            continue;
        r->seen++;
        if (!chosen && (m->ordinal == 0 || m->ordinal == r->seen))
            chosen = r;
    }
    if (chosen)
        chosen->acted = true;
    return chosen;
}

size_t gate_unused(const struct gate *gate, char *out, size_t size)
{
    size_t unused = 0, used = 0;
    const struct active_rule *r;
    if (size > 0)
        out[0] = '\0';
    DL_FOREACH(gate->rules, r)
    {
        char text[96];
        if (r->acted)
            continue;
        unused++;
        gate_schedule_print(&r->rule, 1, text, sizeof text);
        if (used < size) {
            int n = snprintf(out + used, size - used, "%srule %u %s (%u seen)", used ? ", " : "", r->id, text,
                             r->seen);
            used += (size_t)n;
        }
    }
    return unused;
}

/* --- looking into a datagram --------------------------------------------------------------------- */

/* Not wire/ike.h's reader: a message that a case broke on purpose is still the one that a rule means. */
static struct gate_record look(const struct datagram *d)
{
    struct octets payload = datagram_octets(d);
    struct gate_record what = {0};
    struct reader r = reader_over(skip_non_esp_marker(payload));

    enum { SPIS = 16, NEXT_PAYLOAD_AND_VERSION = 2, FLAG_RESPONSE = 0x20 };
    size_t message_len = r.left;
    uint8_t flags;
    uint32_t length;
    if (d->raw_esp || !read_skip(&r, SPIS + NEXT_PAYLOAD_AND_VERSION) || !read_u8(&r, &what.exchange) ||
        !read_u8(&r, &flags) || !read_u32(&r, &what.message_id) || !read_u32(&r, &length) ||
        (!has_non_esp_marker(payload) && length != message_len))
        return (struct gate_record){0};
    what.is_ike = true;
    what.response = (flags & FLAG_RESPONSE) != 0;
    return what;
}

/* --- passing, holding ---------------------------------------------------------------------------- */

static struct gate_record *record_of(struct gate *gate, const struct parcel *p)
{
    return &gate->lanes[p->direction].log[p->number - 1];
}

static struct parcel *waiting_for_swap(const struct lane *lane)
{
    struct parcel *p;
    DL_SEARCH_SCALAR(lane->held, p, for_swap, true);
    return p;
}

static void pass(struct gate *gate, struct parcel *p)
{
    DL_APPEND(gate->passed, p);
}

/* Called when a datagram has passed in that lane. */
static void finish_swap(struct gate *gate, struct lane *lane)
{
    struct parcel *p = waiting_for_swap(lane);
    if (!p)
        return;
    DL_DELETE(lane->held, p);
    record_of(gate, p)->fate = GATE_SWAPPED;
    pass(gate, p);
}

static struct parcel *parcel_of(enum gate_direction direction, size_t number, const struct datagram *d)
{
    struct parcel *p = calloc(1, sizeof *p);
    if (!p || !datagram_copy(&p->datagram, d)) {
        free(p);
        return NULL;
    }
    p->direction = direction;
    p->number = number;
    return p;
}

static void hold(struct lane *lane, struct parcel *p, bool for_swap)
{
    p->for_swap = for_swap;
    DL_APPEND(lane->held, p);
}

/* Takes `p` and, for a duplicate, `copy` over. */
static enum gate_fate act(struct gate *gate, const struct active_rule *r, struct parcel *p,
                          struct parcel *copy)
{
    struct lane *lane = &gate->lanes[p->direction];
    if (r) {
        switch (r->rule.action) {
        case GATE_DROP:
            free_parcel(p);
            return GATE_DROPPED;
        case GATE_HOLD:
            hold(lane, p, false);
            return GATE_HELD;
        case GATE_DUPLICATE:
            pass(gate, p);
            pass(gate, copy);
            finish_swap(gate, lane);
            return GATE_DUPLICATED;
        case GATE_SWAP:
            if (waiting_for_swap(lane))
                break;
            hold(lane, p, true);
            return GATE_HELD;
        }
    }
    pass(gate, p);
    finish_swap(gate, lane);
    return GATE_PASSED;
}

static bool make_room(struct lane *lane)
{
    if (lane->offered < lane->log_capacity)
        return true;
    size_t capacity = lane->log_capacity ? 2 * lane->log_capacity : 64;
    struct gate_record *log = realloc(lane->log, capacity * sizeof *log);
    if (!log)
        return false;
    lane->log = log;
    lane->log_capacity = capacity;
    return true;
}

bool gate_offer(struct gate *gate, enum gate_direction direction, const struct datagram *d)
{
    struct lane *lane = &gate->lanes[direction];
    struct gate_record what = look(d);
    struct active_rule *r = decide(gate, direction, &what);
    bool twice = r && r->rule.action == GATE_DUPLICATE;
    struct parcel *p = parcel_of(direction, lane->offered + 1, d);
    struct parcel *copy = twice ? parcel_of(direction, lane->offered + 1, d) : NULL;
    if (!p || (twice && !copy) || !make_room(lane)) {
        if (p)
            free_parcel(p);
        if (copy)
            free_parcel(copy);
        return false;
    }
    what.rule = r ? r->id : 0;
    size_t index = lane->offered++;
    lane->log[index] = what;
    lane->log[index].fate = act(gate, r, p, copy);
    return true;
}

bool gate_take(struct gate *gate, enum gate_direction *direction, struct datagram *out)
{
    struct parcel *p = gate->passed;
    if (!p)
        return false;
    DL_DELETE(gate->passed, p);
    *direction = p->direction;
    gate->lanes[p->direction].taken = p->number;
    *out = p->datagram;
    free(p);
    return true;
}

size_t gate_taken(const struct gate *gate, enum gate_direction direction)
{
    return gate->lanes[direction].taken;
}

size_t gate_held(const struct gate *gate, enum gate_direction direction)
{
    const struct parcel *p;
    size_t count;
    DL_COUNT(gate->lanes[direction].held, p, count);
    return count;
}

static struct parcel *held_at(const struct gate *gate, enum gate_direction direction, size_t index)
{
    struct parcel *p = gate->lanes[direction].held;
    while (p && index-- > 0)
        p = p->next;
    return p;
}

const struct datagram *gate_peek_held(const struct gate *gate, enum gate_direction direction, size_t index)
{
    const struct parcel *p = held_at(gate, direction, index);
    return p ? &p->datagram : NULL;
}

bool gate_release(struct gate *gate, enum gate_direction direction, size_t index)
{
    struct lane *lane = &gate->lanes[direction];
    struct parcel *p = held_at(gate, direction, index);
    if (!p)
        return false;
    DL_DELETE(lane->held, p);
    record_of(gate, p)->fate = GATE_RELEASED;
    pass(gate, p);
    finish_swap(gate, lane);
    return true;
}

void gate_release_all(struct gate *gate, enum gate_direction direction)
{
    while (gate_release(gate, direction, 0))
        ;
}

bool gate_discard(struct gate *gate, enum gate_direction direction, size_t index)
{
    struct lane *lane = &gate->lanes[direction];
    struct parcel *p = held_at(gate, direction, index);
    if (!p)
        return false;
    DL_DELETE(lane->held, p);
    record_of(gate, p)->fate = GATE_DISCARDED;
    struct parcel *alone = NULL;
    DL_APPEND(alone, p);
    free_parcels(&alone);
    return true;
}

void gate_discard_held(struct gate *gate, enum gate_direction direction)
{
    struct lane *lane = &gate->lanes[direction];
    struct parcel *p;
    DL_FOREACH(lane->held, p)
    record_of(gate, p)->fate = GATE_DISCARDED;
    free_parcels(&lane->held);
}

void gate_open(struct gate *gate)
{
    while (gate->rules)
        gate_remove(gate, gate->rules->id);
    for (unsigned direction = 0; direction < GATE_DIRECTIONS; direction++)
        gate_discard_held(gate, (enum gate_direction)direction);
}

/* --- the log ------------------------------------------------------------------------------------- */

size_t gate_offered(const struct gate *gate, enum gate_direction direction)
{
    return gate->lanes[direction].offered;
}

const struct gate_record *gate_log(const struct gate *gate, enum gate_direction direction, size_t number)
{
    const struct lane *lane = &gate->lanes[direction];
    return number >= 1 && number <= lane->offered ? &lane->log[number - 1] : NULL;
}

const char *gate_fate_name(enum gate_fate fate)
{
    static const char *const names[] = {
        [GATE_PASSED] = "passed",       [GATE_DROPPED] = "dropped",   [GATE_DUPLICATED] = "duplicated",
        [GATE_HELD] = "held",           [GATE_RELEASED] = "released", [GATE_SWAPPED] = "swapped",
        [GATE_DISCARDED] = "discarded",
    };
    return names[fate];
}

bool gate_add_schedule(struct gate *gate, const char *text, struct error *err)
{
    enum { MAX_RULES = 64 };
    struct gate_rule rules[MAX_RULES];
    size_t count;
    if (!gate_schedule_parse(text, rules, MAX_RULES, &count, err))
        return false;
    unsigned last_before = gate->last_id;
    for (size_t i = 0; i < count; i++) {
        if (gate_add(gate, &rules[i].match, rules[i].action) != 0)
            continue;
        while (gate->last_id > last_before)
            gate_remove(gate, gate->last_id--);
        return fail(err, "memory is out");
    }
    return true;
}
