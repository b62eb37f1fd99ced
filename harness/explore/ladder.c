/* The record of a schedule as text: the member's cluster on the left, the peer on the right, time downwards.
 */
#include <stdarg.h>
#include <stdio.h>

#include "explore/world.h"
#include "wire/describe.h"

enum {
    TIME_WIDTH = 10,
    COLUMN = 46,
    ARROW = 16,
    MAX_LINES = 4, /* of one message */
    TEXT = 600,
};

struct ladder {
    void (*line)(void *state, const char *text);
    void *state;
    const struct explore_world *world;
};

static void say(const struct ladder *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct ladder *l, const char *format, ...)
{
    char text[TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
        text[n - 1] = '\0';
    l->line(l->state, text);
}

/* How much of the text goes into one line: up to the last blank that fits. */
static size_t fitting(const char *text, size_t width)
{
    size_t n = strlen(text), at = width;
    if (n <= width)
        return n;
    while (at > 0 && text[at] != ' ')
        at--;
    return at > 0 ? at : width;
}

/* One entry: text in the column of a side, and an arrow beside its first line. */
static void put(const struct ladder *l, int64_t at_us, enum explore_side side, const char *text,
                const char *arrow)
{
    char time[32], piece[COLUMN + 1];
    snprintf(time, sizeof time, "%*.1f", TIME_WIDTH - 1, (double)(at_us - CLOCK_MS(1000)) / 1000);
    for (unsigned i = 0; *text || i == 0; i++) {
        size_t n = fitting(text, COLUMN - 2);
        bool cut = i + 1 == MAX_LINES && text[n];
        snprintf(piece, sizeof piece, "%s%.*s%s", i > 0 ? "  " : "", (int)(cut ? n - 3 : n), text,
                 cut ? "..." : "");
        const char *left = side == SIDE_MEMBER ? piece : "", *right = side == SIDE_PEER ? piece : "";
        say(l, "%*s %-*s%-*s%s", TIME_WIDTH - 1, i == 0 ? time : "", COLUMN, left, ARROW, i == 0 ? arrow : "",
            right);
        text += n + strspn(text + n, " ");
        if (cut)
            break;
    }
}

static bool is_again(const struct explore_world *w, size_t i, size_t next, size_t note)
{
    return next < w->n_packets && w->packets[next].wire.copy_of == w->packets[i].wire.copy_of &&
           w->packets[next].fate == w->packets[i].fate &&
           (note >= w->n_notes || w->notes[note].before > next + 1);
}

/* Retransmissions one after the other are one line; returns how many packets that were. */
static size_t put_packet(const struct ladder *l, size_t i, size_t note)
{
    char text[TEXT], arrow[32], number[16];
    const struct explore_packet *p = &l->world->packets[i];
    bool lost = p->fate == FATE_LOST;
    size_t n = 1;
    describe_message(&p->wire.header, p->wire.inner ? p->wire.inner : p->wire.outer, text, sizeof text);
    if (p->wire.copy_of) {
        const struct explore_packet *first = (const struct explore_packet *)p->wire.copy_of;
        while (is_again(l->world, i, i + n, note))
            n++;
        if (n > 1)
            snprintf(text, sizeof text, "(#%u again, and %zu times more)", first->number, n - 1);
        else
            snprintf(text, sizeof text, "(#%u again)", first->number);
    }
    snprintf(number, sizeof number, "#%u", p->number);
    if (p->from == SIDE_MEMBER)
        snprintf(arrow, sizeof arrow, " --- %-4s --%s ", number, lost ? "X " : "->");
    else
        snprintf(arrow, sizeof arrow, " %s-- %4s ---  ", lost ? " X" : "<-", number);
    put(l, p->wire.at_us, p->from, text, arrow);
    return n;
}

static void put_record(const struct ladder *l)
{
    const struct explore_world *w = l->world;
    size_t note = 0;
    for (size_t i = 0; i <= w->n_packets;) {
        for (; note < w->n_notes && w->notes[note].before <= i + 1; note++)
            put(l, w->notes[note].at_us, w->notes[note].side, w->notes[note].text, "");
        i += i < w->n_packets ? put_packet(l, i, note) : 1;
    }
}

static void put_schedule(const struct ladder *l, const struct explore_schedule *s)
{
    char text[EXPLORE_TEXT_MAX];
    explore_schedule_print(s, text, sizeof text);
    say(l, "Schedule:");
    for (const char *rest = text; *rest;) {
        size_t n = fitting(rest, 110);
        say(l, "  %.*s", (int)n, rest);
        rest += n + strspn(rest + n, " ");
    }
}

static void put_result(const struct ladder *l, const struct explore_outcome *o)
{
    const struct explore_finding *f = &o->finding;
    char packets[40] = "";
    say(l, "%s", "");
    if (!f->rule[0] && o->gave_up) {
        say(l, "No rule is broken. What the members could not tell each other leaves only a new IKE SA.");
        return;
    }
    if (!f->rule[0]) {
        say(l, "No rule is broken, and both sides agree.");
        return;
    }
    if (f->packets[0] && f->packets[1])
        snprintf(packets, sizeof packets, ", packets #%u and #%u", f->packets[1], f->packets[0]);
    else if (f->packets[0])
        snprintf(packets, sizeof packets, ", packet #%u", f->packets[0]);
    say(l, "BROKEN: %s, by %s%s", f->rule, f->side == SIDE_MEMBER ? "the member's cluster" : "the peer",
        packets);
    say(l, "  %s", f->text);
}

bool explorer_ladder(struct explorer *x, const struct explore_schedule *s,
                     void (*line)(void *state, const char *text), void *state, struct error *err)
{
    struct explore_outcome outcome;
    const struct ladder l = {line, state, &x->world};
    x->world.keeps_notes = true;
    bool ok = explorer_play(x, s, &outcome, err);
    x->world.keeps_notes = false;
    if (!ok)
        return false;
    put_schedule(&l, s);
    say(&l, "%s", "");
    say(&l, "%*s %-*s%-*s%s", TIME_WIDTH - 1, "ms", COLUMN, "The member's cluster", ARROW, "", "The peer");
    put_record(&l);
    put_result(&l, &outcome);
    return true;
}
