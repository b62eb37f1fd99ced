/* One combination: its checks, the command that shows its packets, its ladder. */
#include <string.h>

#include "reports/html/ladder.h"
#include "reports/html/pages.h"
#include "reports/html/sequences.h"
#include "reports/look.h"
#include "reports/sequence_lines.h"
#include "suite/json_text.h"

/* --- checks -------------------------------------------------------------------------------------- */

static void put_packets(FILE *out, const struct check_record *c, const struct shown_result *r)
{
    char anchor[300];
    shown_anchor(r, anchor, sizeof anchor);
    for (unsigned i = 0; i < c->n_packets; i++)
        if (r->lines)
            html_put(out, "%s<a href=\"#c/%s/p%u\">%u</a>", i ? ", " : "", anchor, c->packets[i],
                     c->packets[i]);
        else
            html_put(out, "%s%u", i ? ", " : "", c->packets[i]);
}

static void put_check(FILE *out, const struct check_record *c, const struct shown_result *r)
{
    html_put(out,
             "<tr class=\"%s\"><th scope=\"row\"><a href=\"#r/%s\">%s</a></th><td>%s</td><td>%s</td><td>%s",
             check_result_name(c->result), c->requirement, c->requirement, check_result_name(c->result),
             c->expected, c->seen);
    if (c->silence[0])
        html_put(out, " <span class=\"silence\">%s</span>", c->silence);
    fputs("</td><td>", out);
    put_packets(out, c, r);
    fputs("</td></tr>\n", out);
}

static void put_checks(FILE *out, const struct shown_result *r)
{
    const struct outcome *o = &r->result->outcome;
    if (o->n_checks == 0)
        return;
    fputs("<div class=\"scroll\"><table class=\"checks\">\n<thead><tr><th scope=\"col\">Requirement</th>"
          "<th scope=\"col\">Result</th><th scope=\"col\">Expected</th><th scope=\"col\">Seen</th>"
          "<th scope=\"col\">Packets</th></tr></thead>\n<tbody>\n",
          out);
    for (unsigned i = 0; i < o->n_checks; i++)
        if (o->checks[i].result == CHECK_BROKEN)
            put_check(out, &o->checks[i], r);
    for (unsigned i = 0; i < o->n_checks; i++)
        if (o->checks[i].result != CHECK_BROKEN)
            put_check(out, &o->checks[i], r);
    fputs("</tbody></table></div>\n", out);
}

/* --- the packets --------------------------------------------------------------------------------- */

static void put_command(FILE *out, const struct shown_result *r, enum look_with with, const char *what)
{
    char command[LOOK_TEXT];
    const struct look_at at = {.case_id = r->result->case_id, .outcome = &r->result->outcome};
    if (look_command(&at, with, command))
        html_put(out, "<p class=\"command\">%s: <code>%s</code></p>\n", what, command);
}

/* --- the sequence numbers ------------------------------------------------------------------------- */

enum { MAX_MOMENTS = 24 };

struct failovers {
    struct sequence_moment moments[MAX_MOMENTS];
    char texts[MAX_MOMENTS][48];
    size_t count;
};

static void take_failover(struct failovers *f, const json_t *line)
{
    if (f->count == MAX_MOMENTS || strcmp(json_text_of(line, "kind", ""), "failover") != 0)
        return;
    char *text = f->texts[f->count];
    snprintf(text, sizeof f->texts[0], "member %lld takes over",
             (long long)json_integer_value(json_object_get(line, "member")));
    f->moments[f->count++] =
        (struct sequence_moment){.at_us = json_integer_value(json_object_get(line, "at_us")), .text = text};
}

static void put_sequences(FILE *out, const struct shown_result *r)
{
    char anchor[300];
    struct failovers failovers = {0};
    struct sequence_list list = {0};
    size_t i;
    const json_t *line;
    bool good = true;
    json_array_foreach(r->lines, i, line)
    {
        good = good && sequence_take_line(&list, line);
        take_failover(&failovers, line);
    }
    shown_anchor(r, anchor, sizeof anchor);
    const struct sequence_picture picture = {.list = &list,
                                             .moments = failovers.moments,
                                             .n_moments = failovers.count,
                                             .cluster = "cluster to peer",
                                             .peer = "peer to cluster",
                                             .anchor = anchor};
    if (!good || !html_sequences(out, &picture))
        fputs("<p class=\"no-ladder\">Sequence numbers: memory was out.</p>\n", out);
    sequence_clear(&list);
}

/* --- the ladder --------------------------------------------------------------------------------- */

static bool is_of_peer(const json_t *line, unsigned number)
{
    return strcmp(json_text_of(line, "event", ""), "packet") == 0 &&
           strcmp(json_text_of(line, "direction", ""), "from-peer") == 0 &&
           json_integer_value(json_object_get(line, "number")) == number;
}

/* The last packet of the peer's that a check names. */
static json_t *broken_by(const json_t *lines, const struct check_record *c)
{
    size_t i;
    json_t *line;
    for (unsigned k = c->n_packets; k-- > 0;)
        json_array_foreach(lines, i, line)
        {
            if (is_of_peer(line, c->packets[k]))
                return line;
        }
    return NULL;
}

/* SYNC-1 is not SYNC-10. */
static bool is_in_list(const char *list, const char *id)
{
    size_t len = strlen(id);
    for (const char *at = list; (at = strstr(at, id)); at += len)
        if (at[len] == ',' || at[len] == '\0')
            return true;
    return false;
}

static void mark_broken(const struct shown_result *r)
{
    const struct outcome *o = &r->result->outcome;
    for (unsigned i = 0; i < o->n_checks; i++) {
        const struct check_record *c = &o->checks[i];
        const struct requirement *q = requirement_find(c->requirement);
        enum verdict v = q ? check_verdict(q->level, c->result) : VERDICT_SKIP;
        json_t *line = v == VERDICT_FAIL || v == VERDICT_WARN ? broken_by(r->lines, c) : NULL;
        const char *before = json_text_of(line, "breaks", "");
        char text[120];
        if (!line || is_in_list(before, c->requirement))
            continue;
        snprintf(text, sizeof text, "%s%s%s", before, *before ? ", " : "", c->requirement);
        json_object_set_new(line, "breaks", json_string(text));
    }
}

/* --- all of it ----------------------------------------------------------------------------------- */

static void put_ladder(FILE *out, const struct shown_result *r)
{
    char anchor[300];
    shown_anchor(r, anchor, sizeof anchor);
    if (!r->lines || json_array_size(r->lines) == 0) {
        html_put(out, "<p class=\"no-ladder\">No ladder%s.</p>\n",
                 r->drawn ? ": nothing was on the wire" : " here; the command above shows the packets");
        return;
    }
    const struct ladder_look look = {.anchor = anchor, .member = "member", .peer = "peer"};
    mark_broken(r);
    html_ladder(out, r->lines, &look);
    put_sequences(out, r);
    fputs("<details class=\"in-words\"><summary>Packets in words</summary>\n", out);
    html_packets(out, r->lines, &look);
    fputs("</details>\n", out);
}

static void put_remarks(FILE *out, const struct outcome *o)
{
    if (o->reason[0])
        html_put(out, "<p class=\"reason\">%s</p>\n", o->reason);
    if (o->schedule[0])
        html_put(out, "<p>Failures that were played: <code>%s</code></p>\n", o->schedule);
    if (o->unmet[0])
        html_put(out, "<p>Of these, nothing met: <code>%s</code></p>\n", o->unmet);
    for (unsigned bit = 0; bit < TAG_COUNT; bit++)
        if (o->tags & 1U << bit)
            html_put(out, "<p class=\"tag\">%s</p>\n", tag_name((enum tag_bit)bit));
}

void html_result(FILE *out, const struct shown_result *r)
{
    char anchor[300];
    shown_anchor(r, anchor, sizeof anchor);
    html_put(out, "<details class=\"combination\" id=\"c/%s\" data-verdict=\"%s\"><summary>", anchor,
             verdict_name(r->result->outcome.verdict));
    html_verdict(out, r->result->outcome.verdict);
    html_put(out, " <span class=\"states\">%s</span>", r->result->combination);
    if (r->drawn)
        html_put(out, " <span class=\"why\">%s</span>", r->why);
    fputs("</summary>\n", out);
    put_remarks(out, &r->result->outcome);
    put_checks(out, r);
    put_command(out, r, LOOK_WIRESHARK, "In the run's folder, with Wireshark");
    put_command(out, r, LOOK_TSHARK, "in words");
    put_ladder(out, r);
    fputs("</details>\n", out);
}
