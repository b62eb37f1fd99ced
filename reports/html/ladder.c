#include "reports/html/ladder.h"

#include <stdlib.h>
#include <string.h>

#include "reports/html/ladder_layout.h"
#include "reports/html/message.h"
#include "reports/html/put.h"

/* --- pieces -------------------------------------------------------------------------------------- */

static void put_label(FILE *out, const char *class, int x, int y, const char *text)
{
    html_put(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", class, x, y, text);
}

static void put_line(FILE *out, const char *class, int x1, int x2, int y1, int y2)
{
    html_put(out, "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", class, x1, x2, y1, y2);
}

/* Its tip ends at (x, y); it points to the right when the arrow goes there. */
static void put_tip(FILE *out, const char *class, int x, int y, bool right)
{
    html_put(out, "<path class=\"tip %s\" d=\"M%d %dl%d -4v8z\"/>", class, x, y, right ? -9 : 9);
}

static void put_cross(FILE *out, int x, int y)
{
    html_put(out, "<path class=\"cross\" d=\"M%d %dl10 10m0 -10l-10 10\"/>", x - 5, y - 5);
}

static void put_gate(FILE *out, int x, int y)
{
    html_put(out, "<path class=\"gate\" d=\"M%d %dv16m5 -16v16\"/>", x - 2, y - 8);
}

static void put_time(FILE *out, const struct step *s)
{
    char text[32];
    time_text(s->at_us, text, sizeof text);
    put_label(out, "time", 78, s->y + 4, text);
}

/* --- what stands all the way down ---------------------------------------------------------------- */

static void put_lane(FILE *out, const struct layout *l, int x, const char *class, const char *name)
{
    put_line(out, class, x, x, l->top, l->height - 8);
    html_put(out, "<text class=\"lane-name\" x=\"%d\" y=\"%d\">%s</text>\n", x, l->top - 10, name);
}

/* Which member is active changes on the way: its line is the thick one. */
static void put_active(FILE *out, const struct layout *l)
{
    int from_y = l->top, x = l->member_x[1];
    bool first = true;
    for (unsigned i = 0; i < l->count; i++) {
        const struct step *s = &l->steps[i];
        if (s->kind != STEP_FAILOVER && !(first && (s->kind == STEP_PACKET || s->kind == STEP_UPDATE)))
            continue;
        if (s->kind == STEP_FAILOVER) {
            put_line(out, "active", x, x, from_y, s->y);
            from_y = s->y;
        }
        first = false;
        x = member_x(l, s->line);
    }
    put_line(out, "active", x, x, from_y, l->height - 8);
}

static void put_lanes(FILE *out, const struct layout *l)
{
    static const char *const counters[] = {"sends", "expects", "sends", "expects"};
    bool of_capture = l->look->of_capture;
    if (!of_capture)
        put_lane(out, l, l->channel_x, "channel", "sync channel");
    for (unsigned n = l->members; n >= 1; n--) {
        char name[40];
        snprintf(name, sizeof name, "%.20s %u", l->look->member, n);
        if (of_capture && l->members == 1)
            snprintf(name, sizeof name, "%.20s", l->look->member);
        put_lane(out, l, l->member_x[n], "lane", name);
    }
    put_lane(out, l, l->peer_x, "lane peer", l->look->peer);
    put_active(out, l);
    if (l->look->no_counters)
        return;
    put_label(out, "lane-name", l->counters_x + 23, l->top - 26, l->look->member);
    put_label(out, "lane-name", l->counters_x + 115, l->top - 26, l->look->peer);
    for (int i = 0; i < 4; i++)
        put_label(out, "lane-name small", l->counters_x + 46 * i, l->top - 10, counters[i]);
}

static void put_gap(FILE *out, const struct layout *l, const struct step *s, int64_t passed)
{
    char text[64], time[32];
    time_text(passed, time, sizeof time);
    snprintf(text, sizeof text, "nothing for %s", time);
    html_put(out, "<path class=\"gap\" d=\"M%d %dH%d\"/>", l->channel_x - 30, s->gap_y, l->peer_x + 20);
    put_label(out, "gap-text", (l->gate_x + l->peer_x) / 2, s->gap_y + 4, text);
}

/* --- steps --------------------------------------------------------------------------------------- */

/* From where to where the arrow goes: a gate between members and peer may be in its way. */
static void put_arrow(FILE *out, const struct layout *l, const struct step *s, const char *class)
{
    int member = member_x(l, s->line), from = member, to = l->peer_x;
    bool right = strcmp(text_of(s->line, "direction"), "from-peer") != 0;
    bool kept = is_true(s->line, "kept_back"), held = !right && is_held(l, s);
    if (right && number_of(s->line, "offered"))
        from = l->gate_x;
    if (right && is_true(s->line, "lost"))
        to = l->gate_x + 20;
    if (!right) {
        from = l->peer_x;
        to = kept || held ? l->gate_x + 6 : member;
    }
    put_line(out, class, from, to, s->y, s->y);
    if (kept || is_true(s->line, "lost"))
        put_cross(out, to, s->y);
    else
        put_tip(out, class, to, s->y, right);
    if (held || from == l->gate_x)
        put_gate(out, l->gate_x, s->y);
}

static void put_packet_label(FILE *out, const struct layout *l, const struct step *s)
{
    char brief[200], text[260];
    message_brief(text_of(s->line, "message"), brief, sizeof brief);
    const char *remark = is_true(s->line, "lost")        ? " (lost)"
                         : is_true(s->line, "kept_back") ? " (kept from the member)"
                         : is_true(s->line, "by_filter") ? " (doubled on the way)"
                                                         : "";
    if (number_of(s->line, "copy_of") && !*remark)
        snprintf(text, sizeof text, "%s (copy of %lld)", brief, number_of(s->line, "copy_of"));
    else
        snprintf(text, sizeof text, "%s%s", brief, remark);
    put_label(out, "message", (l->gate_x + l->peer_x) / 2 + 8, s->y - 6, text);
    if (!*text_of(s->line, "breaks"))
        return;
    snprintf(text, sizeof text, "breaks %s", text_of(s->line, "breaks"));
    put_label(out, "message small", (l->gate_x + l->peer_x) / 2 + 8, s->y + 12, text);
}

static void put_packet(FILE *out, const struct layout *l, const struct step *s)
{
    char name[32];
    const char *class = packet_class(s->line);
    packet_anchor(s->line, s->index, name, sizeof name);
    html_put(out, "<a class=\"packet %s%s\" href=\"#c/%s/%s\" data-packet=\"%s\">", class,
             *text_of(s->line, "breaks") ? " broke" : "", l->look->anchor, name, name);
    html_put(out, "<rect class=\"hit\" x=\"0\" y=\"%d\" width=\"%d\" height=\"28\"/>", s->y - 20,
             l->look->no_counters ? l->width : l->counters_x - 24);
    if (number_of(s->line, "number"))
        html_put(out, "<text class=\"number\" x=\"110\" y=\"%d\">%lld</text>", s->y + 4,
                 number_of(s->line, "number"));
    put_arrow(out, l, s, class);
    put_packet_label(out, l, s);
    fputs("</a>\n", out);
}

static void put_held(FILE *out, const struct layout *l, const struct step *s)
{
    char brief[200], text[240];
    message_brief(text_of(s->line, "message"), brief, sizeof brief);
    snprintf(text, sizeof text, "%s (held)", brief);
    put_line(out, "copy", member_x(l, s->line), l->gate_x - 6, s->y, s->y);
    put_gate(out, l->gate_x, s->y);
    put_label(out, "message", (l->gate_x + l->peer_x) / 2 + 8, s->y - 6, text);
}

static void put_delivered(FILE *out, const struct layout *l, const struct step *s)
{
    char text[64];
    int x = member_x(l, s->line);
    snprintf(text, sizeof text, "packet %lld reaches member %lld", number_of(s->line, "packet"),
             number_of(s->line, "member"));
    put_gate(out, l->gate_x, s->y);
    put_line(out, "copy", l->gate_x - 4, x, s->y, s->y);
    put_tip(out, "copy", x, s->y, false);
    put_label(out, "message", (l->gate_x + l->peer_x) / 2 + 8, s->y + 4, text);
}

/* On its way from the member to the channel it passes the one that stands by, and stays there when taken. */
static void put_update(FILE *out, const struct layout *l, const struct step *s)
{
    char text[48];
    int from = member_x(l, s->line), standby = from - 96;
    const char *fate = text_of(s->line, "fate");
    bool taken = strcmp(fate, "taken") == 0, lost = strcmp(fate, "lost") == 0;
    bool late = strcmp(fate, "on-its-way") == 0;
    if (standby < l->channel_x + 96)
        standby = l->channel_x + 40;
    snprintf(text, sizeof text, "%lld%s", number_of(s->line, "number"),
             taken  ? ""
             : lost ? " lost"
             : late ? " delayed"
                    : " too old");
    put_line(out, taken ? "update" : "update lost", from, lost ? standby + 30 : l->channel_x, s->y, s->y);
    if (lost)
        put_cross(out, standby + 30, s->y);
    if (taken)
        html_put(out, "<circle class=\"taken\" cx=\"%d\" cy=\"%d\" r=\"4\"/>", standby, s->y);
    put_label(out, "update-name", l->channel_x - 5, s->y + 4, text);
}

static void put_failover(FILE *out, const struct layout *l, const struct step *s)
{
    char text[120];
    long long update = number_of(s->line, "update");
    int n = snprintf(text, sizeof text, "%s %lld takes over from %s %lld", l->look->member,
                     number_of(s->line, "member"), l->look->member, number_of(s->line, "failed"));
    if (update)
        snprintf(text + n, sizeof text - (size_t)n, ", it knows update %lld", update);
    int left = l->look->of_capture ? l->member_x[l->members] - 60 : l->channel_x - 40;
    html_put(out, "<rect class=\"band\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"24\"/>", left, s->y - 12,
             l->peer_x - left + 20);
    put_label(out, "event", (l->gate_x + l->peer_x) / 2 + 8, s->y + 4, text);
    long long failed = number_of(s->line, "failed");
    if (failed >= 1 && failed <= l->members)
        put_cross(out, l->member_x[failed], s->y);
}

static void put_trigger(FILE *out, const struct layout *l, const struct step *s)
{
    char text[120];
    long long status = number_of(s->line, "status");
    int n = snprintf(text, sizeof text, "%.60s", text_of(s->line, "trigger"));
    if (status)
        snprintf(text + n, sizeof text - (size_t)n, ": status %lld", status);
    put_label(out, "trigger", l->peer_x - 12, s->y + 4, text);
    html_put(out, "<circle class=\"pulled\" cx=\"%d\" cy=\"%d\" r=\"4\"/>", l->peer_x, s->y);
}

static void put_remark(FILE *out, const struct layout *l, const struct step *s)
{
    bool from_peer = is_true(s->line, "from_peer");
    int x = from_peer ? l->peer_x : member_x(l, s->line);
    html_put(out, "<circle class=\"pulled\" cx=\"%d\" cy=\"%d\" r=\"4\"/>", x, s->y);
    put_label(out, from_peer ? "trigger" : "trigger left", from_peer ? x - 12 : l->member_x[1] + 12, s->y + 4,
              text_of(s->line, "text"));
}

static void put_left_out(FILE *out, const struct layout *l, const struct step *s)
{
    char text[96];
    snprintf(text, sizeof text, "%u lines of the journal are left out here", l->left_out);
    put_label(out, "event", (l->gate_x + l->peer_x) / 2 + 8, s->y - 8, text);
}

/* Beside each packet, and where they changed; bold: which of them. */
static void put_counters(FILE *out, const struct layout *l, int y, const json_t *counters,
                         const json_t *before)
{
    static const char *const keys[] = {"sends", "expects", "peer_sends", "peer_expects"};
    for (int i = 0; i < 4; i++) {
        char text[32] = "?";
        bool changed = !before || number_of(before, keys[i]) != number_of(counters, keys[i]);
        if (json_is_integer(json_object_get(counters, keys[i])))
            snprintf(text, sizeof text, "%lld", number_of(counters, keys[i]));
        put_label(out, changed ? "counter changed" : "counter", l->counters_x + 46 * i, y + 4, text);
    }
}

static void put_step(FILE *out, const struct layout *l, const struct step *s)
{
    switch (s->kind) {
    case STEP_PACKET:
        put_packet(out, l, s);
        break;
    case STEP_UPDATE:
        put_update(out, l, s);
        break;
    case STEP_FAILOVER:
        put_failover(out, l, s);
        break;
    case STEP_TRIGGER:
        put_trigger(out, l, s);
        break;
    case STEP_HELD:
        put_held(out, l, s);
        break;
    case STEP_DELIVERED:
        put_delivered(out, l, s);
        break;
    case STEP_REMARK:
        put_remark(out, l, s);
        break;
    case STEP_LEFT_OUT:
        put_left_out(out, l, s);
        break;
    case STEP_COUNTERS:
    case STEP_NONE:
        break;
    }
}

/* Of several changes at one row the last one stands there. */
static bool is_last_of_row(const struct layout *l, unsigned i)
{
    for (i++; i < l->count && l->steps[i].y == l->steps[i - 1].y; i++)
        if (l->steps[i].kind == STEP_COUNTERS)
            return false;
    return true;
}

static bool has_counters(const struct layout *l, unsigned i)
{
    for (unsigned k = i + 1; k < l->count && l->steps[k].y == l->steps[i].y; k++)
        if (l->steps[k].kind == STEP_COUNTERS)
            return true;
    return false;
}

static void put_steps(FILE *out, const struct layout *l)
{
    const json_t *counters = NULL;
    int64_t last_us = -1;
    for (unsigned i = 0; i < l->count; i++) {
        const struct step *s = &l->steps[i];
        if (s->gap_y)
            put_gap(out, l, s, s->at_us - (last_us > 0 ? last_us : 0));
        if (s->kind == STEP_COUNTERS && is_last_of_row(l, i)) {
            put_counters(out, l, s->y, s->line, counters);
            counters = s->line;
        }
        if (s->kind == STEP_PACKET && counters && !has_counters(l, i))
            put_counters(out, l, s->y, counters, counters);
        if (s->kind == STEP_COUNTERS || s->kind == STEP_NONE)
            continue;
        if (s->at_us != last_us && s->kind != STEP_LEFT_OUT)
            put_time(out, s);
        last_us = s->at_us;
        put_step(out, l, s);
    }
}

void html_ladder(FILE *out, const json_t *lines, const struct ladder_look *look)
{
    struct layout l;
    if (!ladder_layout(lines, look, &l))
        return;
    html_put(out,
             "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"ladder\">"
             "<svg class=\"ladder\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
             "height=\"%d\">\n",
             l.width, l.height, l.width, l.height);
    put_lanes(out, &l);
    put_steps(out, &l);
    fputs("</svg></div>\n", out);
    free(l.steps);
}
