/* The message gate: every datagram between the members and the peer passes through it, and every fault
 * between them is one of its rules. So a fault hits a chosen datagram, not a lucky moment.
 *
 * Datagrams are offered with their direction and numbered from 1 in each. The first rule, in the order of
 * adding, whose match and turn it is decides what happens; without one the datagram passes. What passes is
 * taken out again in order. The gate does no I/O and knows no time.
 *
 *     gate_offer(gate, GATE_TO_PEER, &d);
 *     while (gate_take(gate, &direction, &out)) ... send it on, or hand it to the member, and clear it
 *
 * An IKE message is recognised behind the non-ESP marker (four zero octets, RFC 3948) or, without one, by a
 * length field that says what the datagram holds; anything else (ESP, a NAT keepalive, noise) is matched only
 * by rules for any exchange that name neither request, response nor message ID.
 */
#ifndef STAGE_GATE_H
#define STAGE_GATE_H

#include "net/datagram.h"

enum gate_direction { GATE_TO_PEER, GATE_FROM_PEER };
enum { GATE_DIRECTIONS = 2 };

enum gate_action {
    GATE_DROP,
    GATE_HOLD,      /* until it is released or discarded */
    GATE_DUPLICATE, /* passes twice */
    GATE_SWAP, /* held until the next datagram in that direction has passed; that one is never swapped itself
                */
};

struct gate_match {
    enum gate_direction direction;
    uint8_t exchange;   /* 0: any */
    int8_t response;    /* -1: any, 0: request, 1: response */
    int64_t message_id; /* -1: any */
    unsigned ordinal;   /* only the nth match since the rule was added, from 1; 0: every */
};

struct gate_rule {
    struct gate_match match;
    enum gate_action action;
};

struct gate;

struct gate *gate_new(void); /* NULL: memory is out */
void gate_free(struct gate *gate);

/* --- rules --------------------------------------------------------------------------------------- */

/* Returns the rule's ID, from 1; 0: memory is out. */
unsigned gate_add(struct gate *gate, const struct gate_match *match, enum gate_action action);

/* Did it ever decide? False for unknown IDs. */
bool gate_rule_acted(const struct gate *gate, unsigned id);

/* A removed rule is no longer unused. Unknown IDs are ignored. */
void gate_remove(struct gate *gate, unsigned id);

/* Removes all rules and discards what they held. */
void gate_open(struct gate *gate);

/* How many rules never did what they are for (an error of the case); `out` names them, each with its ID and
 * how many datagrams it saw. Always terminated. */
size_t gate_unused(const struct gate *gate, char *out, size_t size);

/* --- schedules: rules as a short string (stage/schedule.h) ---------------------------------------- */

/* Those rules of the grammar that are about datagrams. */
bool gate_schedule_parse(const char *text, struct gate_rule *out, size_t max, size_t *count,
                         struct error *err);

/* Prints what gate_schedule_parse reads, shortest form; false when `size` is too small. */
bool gate_schedule_print(const struct gate_rule *rules, size_t count, char *out, size_t size);

/* Parses and adds all rules, or none. */
bool gate_add_schedule(struct gate *gate, const char *text, struct error *err);

/* --- datagrams ----------------------------------------------------------------------------------- */

/* Copies what it keeps; false: memory is out. */
bool gate_offer(struct gate *gate, enum gate_direction direction, const struct datagram *d);

/* The next datagram that has passed, in either direction; the caller clears it. */
bool gate_take(struct gate *gate, enum gate_direction *direction, struct datagram *out);

/* The number of the one that was taken out last in that direction; 0: none was. */
size_t gate_taken(const struct gate *gate, enum gate_direction direction);

/* Datagrams held back in a direction, oldest first; those waiting for a swap are among them. */
size_t gate_held(const struct gate *gate, enum gate_direction direction);
const struct datagram *gate_peek_held(const struct gate *gate, enum gate_direction direction, size_t index);
bool gate_release(struct gate *gate, enum gate_direction direction, size_t index); /* false: no such */
bool gate_discard(struct gate *gate, enum gate_direction direction, size_t index); /* false: no such */
void gate_release_all(struct gate *gate, enum gate_direction direction);
void gate_discard_held(struct gate *gate, enum gate_direction direction);

/* --- the log ------------------------------------------------------------------------------------- */

enum gate_fate {
    GATE_PASSED,
    GATE_DROPPED,
    GATE_DUPLICATED,
    GATE_HELD,      /* still */
    GATE_RELEASED,  /* after being held */
    GATE_SWAPPED,   /* after the next one */
    GATE_DISCARDED, /* after being held */
};

struct gate_record {
    enum gate_fate fate;
    unsigned rule; /* that decided it; 0: none */
    bool is_ike;   /* then: */
    uint8_t exchange;
    bool response;
    uint32_t message_id;
};

/* How many datagrams were offered in a direction. */
size_t gate_offered(const struct gate *gate, enum gate_direction direction);

/* What happened to datagram `number`, from 1; NULL: there was none. */
const struct gate_record *gate_log(const struct gate *gate, enum gate_direction direction, size_t number);

const char *gate_fate_name(enum gate_fate fate);       /* "passed", "dropped", ... */
const char *gate_action_name(enum gate_action action); /* as schedules write it */

#endif
