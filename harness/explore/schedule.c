#include "explore/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a word looks like. */
enum shape { SHAPE_SIDE, SHAPE_UPDATE, SHAPE_DATAGRAM, SHAPE_WAIT, SHAPE_BARE };

static const struct {
    const char *name;
    enum shape shape;
    bool timed; /* has +MS */
} verbs[] = {
    [VERB_LIVENESS] = {"liveness", SHAPE_SIDE, false},
    [VERB_REKEY_IKE] = {"rekey-ike", SHAPE_SIDE, false},
    [VERB_REKEY_CHILD] = {"rekey-child", SHAPE_SIDE, false},
    [VERB_ADD_CHILD] = {"add-child", SHAPE_SIDE, false},
    [VERB_DELETE_CHILD] = {"delete-child", SHAPE_SIDE, false},
    [VERB_FAILOVER] = {"failover", SHAPE_SIDE, false},
    [VERB_CHANNEL_DOWN] = {"channel-down", SHAPE_SIDE, false},
    [VERB_LOSE_M1] = {"lose-m1", SHAPE_SIDE, false},
    [VERB_LOSE_UPDATE] = {"lose-update", SHAPE_UPDATE, false},
    [VERB_DELAY_UPDATE] = {"delay-update", SHAPE_UPDATE, true},
    [VERB_SWAP_UPDATE] = {"swap-update", SHAPE_UPDATE, false},
    [VERB_DROP] = {"drop", SHAPE_DATAGRAM, false},
    [VERB_COPY] = {"copy", SHAPE_DATAGRAM, true},
    [VERB_LATE] = {"late", SHAPE_DATAGRAM, true},
    [VERB_WAIT] = {"wait", SHAPE_WAIT, false},
    [VERB_QUIET] = {"quiet", SHAPE_BARE, false},
};

const char *explore_verb_name(enum explore_verb verb)
{
    return verbs[verb].name;
}

/* --- out ----------------------------------------------------------------------------------------- */

void explore_event_print(const struct explore_event *e, char *out, size_t size)
{
    const char *name = verbs[e->verb].name;
    char ordinal[16] = "", late[16] = "";
    if (e->ordinal > 1 && verbs[e->verb].shape != SHAPE_SIDE)
        snprintf(ordinal, sizeof ordinal, "#%u", e->ordinal);
    if (verbs[e->verb].timed)
        snprintf(late, sizeof late, "+%u", e->ms);
    switch (verbs[e->verb].shape) {
    case SHAPE_SIDE:
    case SHAPE_UPDATE:
        snprintf(out, size, "%s:%s%s%s", e->side == SIDE_MEMBER ? "m" : "p", name, ordinal, late);
        break;
    case SHAPE_DATAGRAM:
        snprintf(out, size, "%s:%s%s%s", name, e->side == SIDE_MEMBER ? "to" : "from", ordinal, late);
        break;
    case SHAPE_WAIT:
        snprintf(out, size, "%s:%u", name, e->ms);
        break;
    case SHAPE_BARE:
        snprintf(out, size, "%s", name);
        break;
    }
}

void explore_schedule_print(const struct explore_schedule *s, char *out, size_t size)
{
    static const char *const margins[] = {
        [MARGIN_WIDE] = "", [MARGIN_WINDOW] = " margin:window", [MARGIN_NONE] = " margin:none"};
    snprintf(out, size, "%s", s->responder ? "as:responder" : "as:initiator");
    size_t len = strlen(out);
    if (s->window > 1)
        len += (size_t)snprintf(out + len, size - len, " window:%u", s->window);
    len += (size_t)snprintf(out + len, size - len, "%s", margins[s->margin]);
    if (s->p1_margin > 0)
        len += (size_t)snprintf(out + len, size - len, " p1-margin:%u", s->p1_margin);
    if (s->from > 0)
        len += (size_t)snprintf(out + len, size - len, " from:%" PRIu32, s->from);
    for (unsigned i = 0; i < s->n && len + 1 < size; i++) {
        out[len++] = ' ';
        explore_event_print(&s->events[i], out + len, size - len);
        len += strlen(out + len);
    }
}

/* --- in ------------------------------------------------------------------------------------------ */

/* Digits up to `max`, not 0; moves the cursor behind them. */
static bool read_number(const char **at, unsigned max, unsigned *out)
{
    uint64_t value = 0;
    size_t n = strspn(*at, "0123456789");
    for (size_t i = 0; i < n && value <= max; i++)
        value = value * 10 + (unsigned)((*at)[i] - '0');
    *at += n;
    *out = (unsigned)value;
    return n > 0 && value > 0 && value <= max;
}

/* [#N][+MS] up to the end of the word. */
static bool read_tail(const char *at, struct explore_event *e)
{
    e->ordinal = 1;
    bool timed = verbs[e->verb].timed;
    if (*at == '#' && (at++, !read_number(&at, EXPLORE_MAX_ORDINAL, &e->ordinal)))
        return false;
    if (timed && (*at++ != '+' || !read_number(&at, EXPLORE_MAX_MS, &e->ms)))
        return false;
    return *at == '\0';
}

static bool find_verb(const char *name, size_t len, enum explore_verb *out)
{
    for (enum explore_verb v = VERB_LIVENESS; v < VERBS; v++) {
        if (strlen(verbs[v].name) != len || strncmp(verbs[v].name, name, len) != 0)
            continue;
        *out = v;
        return true;
    }
    return false;
}

/* "to#2+40" of a datagram. */
static bool read_datagram(const char *at, struct explore_event *e)
{
    bool to = strncmp(at, "to", 2) == 0, from = strncmp(at, "from", 4) == 0;
    e->side = to ? SIDE_MEMBER : SIDE_PEER;
    return (to || from) && read_tail(at + (to ? 2 : 4), e);
}

static bool read_event(const char *word, struct explore_event *e)
{
    *e = (struct explore_event){0};
    const char *colon = strchr(word, ':'), *rest = colon ? colon + 1 : "";
    size_t len = colon ? (size_t)(colon - word) : strlen(word);
    bool of_side = len == 1 && (word[0] == 'm' || word[0] == 'p');
    if (of_side) {
        e->side = word[0] == 'm' ? SIDE_MEMBER : SIDE_PEER;
        size_t name = strcspn(rest, "#+");
        if (!find_verb(rest, name, &e->verb))
            return false;
        if (verbs[e->verb].shape == SHAPE_UPDATE)
            return read_tail(rest + name, e);
        return verbs[e->verb].shape == SHAPE_SIDE && rest[name] == '\0';
    }
    if (!find_verb(word, len, &e->verb))
        return false;
    if (verbs[e->verb].shape == SHAPE_DATAGRAM)
        return colon && read_datagram(rest, e);
    if (verbs[e->verb].shape == SHAPE_WAIT)
        return colon && read_number(&rest, EXPLORE_MAX_MS, &e->ms) && *rest == '\0';
    return verbs[e->verb].shape == SHAPE_BARE && !colon;
}

/* "name:NUMBER" */
static bool read_numbered(const char *word, const char *name, unsigned max, unsigned *out)
{
    size_t len = strlen(name);
    const char *number = word + len;
    return strncmp(word, name, len) == 0 && read_number(&number, max, out) && *number == '\0';
}

static bool read_setting(const char *word, struct explore_schedule *s)
{
    if (strcmp(word, "as:initiator") == 0 || strcmp(word, "as:responder") == 0)
        s->responder = word[3] == 'r';
    else if (strcmp(word, "margin:window") == 0)
        s->margin = MARGIN_WINDOW;
    else if (strcmp(word, "margin:none") == 0)
        s->margin = MARGIN_NONE;
    else
        return read_numbered(word, "window:", EXPLORE_MAX_WINDOW, &s->window) ||
               read_numbered(word, "p1-margin:", EXPLORE_MAX_P1_MARGIN, &s->p1_margin) ||
               read_numbered(word, "from:", EXPLORE_MAX_FROM, &s->from);
    return true;
}

static bool read_word(const char *word, struct explore_schedule *s, struct error *err)
{
    struct explore_event e;
    if (s->n == 0 && read_setting(word, s))
        return true;
    if (!read_event(word, &e))
        return fail(err, "schedule: \"%.60s\" is no event", word);
    if (s->n == EXPLORE_MAX_EVENTS)
        return fail(err, "schedule: more than %d events", EXPLORE_MAX_EVENTS);
    s->events[s->n++] = e;
    return true;
}

bool explore_schedule_parse(const char *text, struct explore_schedule *out, struct error *err)
{
    *out = (struct explore_schedule){.window = 1};
    char *copy = strdup(text), *rest = copy;
    bool ok = copy || fail(err, "out of memory");
    for (char *word = strsep(&rest, " \t\n"); ok && word; word = strsep(&rest, " \t\n"))
        ok = word[0] == '\0' || read_word(word, out, err);
    free(copy);
    return ok;
}
