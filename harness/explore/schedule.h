/* A schedule: what happens to two clusters that talk to each other, as a short text. One word is one event:
 *
 *   m:failover  p:liveness      at the member's cluster, at the peer: liveness, rekey-ike, rekey-child,
 *                               add-child, delete-child, failover
 *   m:channel-down              all updates in its sync channel are lost, until it fails over
 *   m:lose-m1                   the next M1 that it tells its standbys of (SYNC-2) does not reach them
 *   m:lose-update#2             the second update from now in the sync channel of that cluster is lost;
 *   p:delay-update+50           the next one is 50 ms late; swap-update: it arrives behind the one after it
 *   drop:to  drop:from#3        the next datagram to the peer, the third one from now on from it, is lost;
 *   copy:to+40  late:from+40    arrives once more 40 ms later; arrives 40 ms late
 *   wait:20  quiet              20 ms pass; time passes until nothing is under way
 *
 * and in front of them what the session is like: as:responder (the member's cluster, else initiator),
 * window:5 (requests at once, else 1), margin:window, margin:none (what the clusters put between the IDs that
 * they know and M1, else 32), p1-margin:2 (how far P1 is above what they know, else 0), from:2147483640 (both
 * sides have used so many IDs, else few).
 */
#ifndef EXPLORE_SCHEDULE_H
#define EXPLORE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/random.h"

enum explore_side { SIDE_MEMBER, SIDE_PEER, SIDES };

enum explore_verb {
    VERB_LIVENESS,
    VERB_REKEY_IKE,
    VERB_REKEY_CHILD,
    VERB_ADD_CHILD,
    VERB_DELETE_CHILD,
    VERB_FAILOVER,
    VERB_CHANNEL_DOWN, /* until that side fails over */
    VERB_LOSE_M1,
    VERB_LOSE_UPDATE,
    VERB_DELAY_UPDATE,
    VERB_SWAP_UPDATE,
    VERB_DROP, /* `side` is who sends */
    VERB_COPY,
    VERB_LATE,
    VERB_WAIT,
    VERB_QUIET,
    VERBS,
};

struct explore_event {
    enum explore_verb verb;
    enum explore_side side;
    unsigned ordinal; /* of a datagram or an update, from 1 */
    unsigned ms;
};

enum {
    EXPLORE_MAX_EVENTS = 64,
    EXPLORE_MAX_ORDINAL = 99,
    EXPLORE_MAX_MS = 20000,
    EXPLORE_WIDE_MARGIN = 32,
    EXPLORE_MAX_WINDOW = 5,
    EXPLORE_MAX_P1_MARGIN = 2, /* as many failovers as are drawn stay below the wide margin */
    EXPLORE_TEXT_MAX = EXPLORE_MAX_EVENTS * 32,
};

/* How far the first M1 of a member that takes over is above the IDs that it knows. */
enum explore_margin { MARGIN_WIDE, MARGIN_WINDOW, MARGIN_NONE };

/* From there on one more failover might find no ID left. */
#define EXPLORE_MAX_FROM UINT32_C(0xf0000000)

struct explore_schedule {
    bool responder; /* the member's cluster */
    unsigned window;
    enum explore_margin margin;
    unsigned p1_margin;
    uint32_t from; /* IDs that both sides have used; 0: those of the session */
    unsigned n;
    struct explore_event events[EXPLORE_MAX_EVENTS];
};

/* False with an error that names the word. */
bool explore_schedule_parse(const char *text, struct explore_schedule *out, struct error *err);
void explore_schedule_print(const struct explore_schedule *s, char *out, size_t size);

void explore_event_print(const struct explore_event *e, char *out, size_t size);

/* The name of what a side is told to do, as a trigger of the reference peer. */
const char *explore_verb_name(enum explore_verb verb);

/* A random one. It loses so little that nobody may give up for it: at most EXPLORE_MAX_DROPS datagrams, while
 * a request is sent a dozen times. */
enum { EXPLORE_MAX_DROPS = 5 };
void explore_draw(struct random_source *random, struct explore_schedule *out);

#endif
