#include "reports/html/ladder_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/html/message.h"
#include "suite/json_text.h"

enum {
    TOP = 46,
    GAP_US = 50000, /* of silence, and more: drawn as a gap */
    GAP_HEIGHT = 30,
    MAX_STRETCH = 12, /* pixels that shorter time is drawn as */
    MEMBER_WIDTH = 96,
    MESSAGE_WIDTH = 420,
    COUNTERS_WIDTH = 4 * 46,
};

const char *text_of(const json_t *line, const char *key)
{
    return json_text_of(line, key, "");
}

long long number_of(const json_t *line, const char *key)
{
    return json_integer_value(json_object_get(line, key));
}

bool is_true(const json_t *line, const char *key)
{
    return json_is_true(json_object_get(line, key));
}

void packet_anchor(const json_t *packet, unsigned index, char *out, size_t size)
{
    if (number_of(packet, "file"))
        snprintf(out, size, "p%lld-%lld", number_of(packet, "number"), number_of(packet, "file"));
    else if (number_of(packet, "number"))
        snprintf(out, size, "p%lld", number_of(packet, "number"));
    else
        snprintf(out, size, "x%u", index);
}

const char *packet_class(const json_t *packet)
{
    unsigned sends, expects;
    const char *message = text_of(packet, "message");
    if (is_true(packet, "lost") || is_true(packet, "kept_back"))
        return "lost";
    if (number_of(packet, "copy_of") || is_true(packet, "by_filter"))
        return "copy";
    if (message_sync(message, &sends, &expects))
        return "sync";
    return "plain";
}

void time_text(int64_t us, char *out, size_t size)
{
    if (us >= 1000000)
        snprintf(out, size, "%.6g s", (double)us / 1000000);
    else
        snprintf(out, size, "%.6g ms", (double)us / 1000);
}

static enum step_kind kind_of(const json_t *line)
{
    static const struct {
        const char *name;
        enum step_kind kind;
    } kinds[] = {{"counters", STEP_COUNTERS}, {"failover", STEP_FAILOVER}, {"sync-update", STEP_UPDATE},
                 {"trigger", STEP_TRIGGER},   {"held", STEP_HELD},         {"delivered", STEP_DELIVERED},
                 {"remark", STEP_REMARK}};
    if (strcmp(text_of(line, "event"), "packet") == 0)
        return STEP_PACKET;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(text_of(line, "kind"), kinds[i].name) == 0)
            return kinds[i].kind == STEP_HELD && number_of(line, "packet") ? STEP_NONE : kinds[i].kind;
    return STEP_NONE;
}

static int height_of(enum step_kind kind)
{
    static const int heights[] = {
        [STEP_PACKET] = 34, [STEP_UPDATE] = 18,    [STEP_FAILOVER] = 34, [STEP_TRIGGER] = 24,
        [STEP_HELD] = 34,   [STEP_DELIVERED] = 34, [STEP_REMARK] = 24,   [STEP_COUNTERS] = 0,
        [STEP_NONE] = 0,    [STEP_LEFT_OUT] = 40};
    return heights[kind];
}

bool is_held(const struct layout *l, const struct step *s)
{
    const struct step *next = s + 1;
    return next < l->steps + l->count && next->kind == STEP_NONE &&
           strcmp(text_of(next->line, "kind"), "held") == 0 &&
           number_of(next->line, "packet") == number_of(s->line, "number");
}

int member_x(const struct layout *l, const json_t *line)
{
    long long member = number_of(line, "member");
    return l->member_x[member >= 1 && member <= l->members ? member : 1];
}

/* As many members as speak, and the one that stands by. */
static unsigned count_members(const json_t *lines)
{
    long long most = 1;
    bool told = false;
    size_t i;
    const json_t *line;
    json_array_foreach(lines, i, line)
    {
        if (number_of(line, "member") > most)
            most = number_of(line, "member");
        told = told || kind_of(line) == STEP_UPDATE;
    }
    most += told && most < 4;
    return most > LADDER_MEMBERS ? LADDER_MEMBERS : (unsigned)most;
}

static void set_columns(struct layout *l)
{
    l->channel_x = l->look->of_capture ? 100 : 165;
    for (unsigned n = l->members; n >= 1; n--)
        l->member_x[n] = l->channel_x + MEMBER_WIDTH * (int)(l->members - n + 1);
    l->gate_x = l->member_x[1] + 50;
    l->peer_x = l->member_x[1] + MESSAGE_WIDTH;
    l->counters_x = l->peer_x + 50;
    l->width = l->look->no_counters ? l->peer_x + 60 : l->counters_x + COUNTERS_WIDTH;
}

static void add_step(struct layout *l, const json_t *line, unsigned index)
{
    struct step *s = &l->steps[l->count++];
    *s =
        (struct step){.kind = kind_of(line), .line = line, .index = index, .at_us = number_of(line, "at_us")};
}

static void choose_steps(struct layout *l, const json_t *lines)
{
    size_t n = json_array_size(lines), head = n, tail = n;
    if (n > LADDER_MAX_LINES) {
        head = LADDER_MAX_LINES * 2 / 3;
        tail = n - LADDER_MAX_LINES / 3;
        l->left_out = (unsigned)(tail - head);
    }
    for (size_t i = 0; i < head; i++)
        add_step(l, json_array_get(lines, i), (unsigned)i);
    if (l->left_out)
        l->steps[l->count++] =
            (struct step){.kind = STEP_LEFT_OUT, .at_us = number_of(json_array_get(lines, tail), "at_us")};
    for (size_t i = tail; i < n; i++)
        add_step(l, json_array_get(lines, i), (unsigned)i);
}

/* Time is drawn longer where more of it passes, up to a point; from there on it is a gap. */
static int stretch(int64_t us)
{
    int pixels = 0;
    for (; us > 250 && pixels < MAX_STRETCH; us /= 2)
        pixels += 2;
    return pixels;
}

static void set_rows(struct layout *l)
{
    int y = TOP;
    int64_t last_us = 0;
    for (unsigned i = 0; i < l->count; i++) {
        struct step *s = &l->steps[i];
        int64_t passed = s->at_us - last_us;
        int height = height_of(s->kind);
        if (height && passed >= GAP_US && s->kind != STEP_LEFT_OUT) {
            s->gap_y = y + GAP_HEIGHT - 8;
            y += GAP_HEIGHT;
        } else if (height && passed > 0) {
            y += stretch(passed);
        }
        y += height;
        s->y = y;
        if (height && passed > 0)
            last_us = s->at_us;
    }
    l->top = TOP - 6;
    l->height = y + 24;
}

bool ladder_layout(const json_t *lines, const struct ladder_look *look, struct layout *out)
{
    *out = (struct layout){.look = look, .members = count_members(lines)};
    out->steps = calloc(json_array_size(lines) + 1, sizeof *out->steps);
    if (!out->steps)
        return false;
    set_columns(out);
    choose_steps(out, lines);
    set_rows(out);
    return true;
}
