#include "reports/html/sequences.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reports/html/ladder_layout.h"
#include "reports/html/put.h"
#include "reports/html/sequences_layout.h"

/* --- pieces -------------------------------------------------------------------------------------- */

static void put_text(FILE *out, const char *class, int x, int y, const char *text)
{
    html_put(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", class, x, y, text);
}

static const char *side_of(const struct sequence_picture *p, bool from_peer)
{
    return from_peer ? p->peer : p->cluster;
}

static const char *fate_name(const struct sequence_point *p)
{
    switch (p->fate) {
    case SEQUENCE_SENT:
        return p->copy ? "a copy" : "sent";
    case SEQUENCE_ACCEPTED:
        return "accepted";
    case SEQUENCE_DROPPED:
        return p->copy ? "a copy, dropped" : "dropped";
    case SEQUENCE_LOST:
        return "lost";
    }
    return "";
}

/* Members have colours of their own; there are as many as a person can tell apart. */
static unsigned colour_of(const struct sequence_point *p)
{
    return p->member ? (p->member - 1) % 4 + 1 : 0;
}

/* --- points -------------------------------------------------------------------------------------- */

static void put_title(FILE *out, const struct sequence_picture *picture, const struct sequence_point *p)
{
    char number[24], time[32];
    snprintf(number, sizeof number, "%" PRIu64, p->number);
    time_text(p->at_us - picture->origin_us, time, sizeof time);
    html_put(out, "<title>%s, %s, number %s", side_of(picture, p->from_peer), time, number);
    if (p->packet)
        html_put(out, ", packet %u", p->packet);
    if (p->member)
        html_put(out, ", member %u", p->member);
    html_put(out, ": %s</title>", fate_name(p));
}

static void put_mark(FILE *out, const struct sequence_point *p, int x, int y)
{
    if (p->fate == SEQUENCE_DROPPED || p->fate == SEQUENCE_LOST)
        html_put(out, "<path class=\"refused\" d=\"M%d %dl8 8m0 -8l-8 8\"/>", x - 4, y - 4);
    else
        html_put(out, "<circle class=\"point m%u%s\" cx=\"%d\" cy=\"%d\" r=\"3\"/>", colour_of(p),
                 p->copy ? " copy" : "", x, y);
}

static void put_point(FILE *out, const struct sequence_picture *picture, const struct sequence_point *p,
                      int x, int y)
{
    bool links = picture->anchor && p->packet;
    if (links)
        html_put(out, "<a class=\"point-link\" href=\"#c/%s/p%u\" data-packet=\"p%u\">", picture->anchor,
                 p->packet, p->packet);
    else
        fputs("<g>", out);
    html_put(out, "<rect class=\"hit\" x=\"%d\" y=\"%d\" width=\"10\" height=\"10\"/>", x - 5, y - 5);
    put_title(out, picture, p);
    put_mark(out, p, x, y);
    fputs(links ? "</a>\n" : "</g>\n", out);
}

static void put_number(FILE *out, const struct row_point *at, bool before)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, at->point->number);
    put_text(out, before ? "number before" : "number", at->x + (before ? -6 : 6), at->y + (before ? -4 : 11),
             text);
}

/* --- a row --------------------------------------------------------------------------------------- */

/* What is there twice or never arrived is beside the line. */
static bool is_on_line(const struct row_point *at)
{
    return !at->point->copy && at->point->fate != SEQUENCE_LOST;
}

static void put_course(FILE *out, const struct row *row)
{
    const struct row_point *before = NULL;
    for (size_t i = 0; i < row->n_points; i++) {
        const struct row_point *at = &row->points[i];
        if (!is_on_line(at))
            continue;
        if (before)
            html_put(out, "<line class=\"course%s\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>",
                     at->is_step ? " step" : "", before->x, before->y, at->x, at->y);
        before = at;
    }
    fputc('\n', out);
}

/* The first, the last, and both sides of a step. */
static void put_numbers(FILE *out, const struct row *row)
{
    const struct row_point *before = NULL, *last = NULL;
    for (size_t i = 0; i < row->n_points; i++) {
        const struct row_point *at = &row->points[i];
        if (at->point->copy)
            continue;
        if (at->is_step && before && before != last)
            put_number(out, before, true);
        if (at->is_step || !before) {
            put_number(out, at, false);
            last = at;
        }
        before = at;
    }
    if (before && before != last)
        put_number(out, before, false);
}

static void put_row(FILE *out, const struct sequence_picture *picture, const struct row *row)
{
    char spi[24];
    snprintf(spi, sizeof spi, "%08" PRIx32, row->sa->spi);
    html_put(out, "<line class=\"base\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", SEQUENCES_LEFT,
             SEQUENCES_LEFT + SEQUENCES_PLOT, row->top + SEQUENCES_ROW - 6, row->top + SEQUENCES_ROW - 6);
    put_text(out, "spi", 4, row->top + 26, spi);
    put_text(out, "side", 4, row->top + 42, side_of(picture, row->sa->from_peer));
    put_course(out, row);
    put_numbers(out, row);
    for (size_t i = 0; i < row->n_points; i++)
        put_point(out, picture, row->points[i].point, row->points[i].x, row->points[i].y);
}

/* --- the picture --------------------------------------------------------------------------------- */

/* What would be written over its neighbour goes a line lower. */
static void put_moments(FILE *out, const struct sequence_picture *picture, const struct sequences_layout *l)
{
    int free_x[SEQUENCES_MOMENT_LINES] = {0};
    for (size_t i = 0; i < picture->n_moments; i++) {
        int x = sequences_x(l, picture->moments[i].at_us);
        html_put(out, "<line class=\"moment\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", x, x, SEQUENCES_TOP,
                 l->height - SEQUENCES_BOTTOM);
        for (int line = 0; line < SEQUENCES_MOMENT_LINES; line++) {
            if (free_x[line] > x)
                continue;
            put_text(out, "moment-name", x + 4, 12 + 13 * line, picture->moments[i].text);
            free_x[line] = x + 10 + 6 * (int)strlen(picture->moments[i].text);
            break;
        }
    }
}

static void put_times(FILE *out, const struct sequence_picture *picture, const struct sequences_layout *l)
{
    char text[32];
    int free_x = 0;
    for (size_t i = 0; i < l->n_ticks; i++) {
        int x = l->ticks[i].x;
        if (x < free_x)
            continue;
        time_text(l->ticks[i].at_us - picture->origin_us, text, sizeof text);
        put_text(out, "time", x, l->height - 6, text);
        free_x = x + 72;
    }
}

static void put_picture(FILE *out, const struct sequence_picture *picture, const struct sequences_layout *l)
{
    html_put(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"sequence numbers over time\">"
        "<svg class=\"sequences\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
        "height=\"%d\">\n",
        SEQUENCES_WIDTH, l->height, SEQUENCES_WIDTH, l->height);
    put_moments(out, picture, l);
    for (size_t i = 0; i < l->n_rows; i++)
        put_row(out, picture, &l->rows[i]);
    put_times(out, picture, l);
    fputs("</svg></div>\n", out);
}

/* --- the table ----------------------------------------------------------------------------------- */

static void put_packet_link(FILE *out, const struct sequence_picture *picture, unsigned packet)
{
    if (picture->anchor && packet)
        html_put(out, "<a href=\"#c/%s/p%u\">%u</a>", picture->anchor, packet, packet);
    else
        html_put(out, "%u", packet);
}

static void put_steps(FILE *out, const struct sequence_picture *picture, const struct sequence_sa *sa)
{
    for (size_t i = 0; i < sa->n_steps && i < SEQUENCE_MAX_STEPS; i++) {
        char text[SEQUENCE_STEP_TEXT];
        const struct sequence_step *s = &sa->steps[i];
        sequence_step_text(s, text);
        fputs(i ? "<br/>" : "", out);
        if (picture->anchor && s->packet)
            html_put(out, "<a href=\"#c/%s/p%u\">%s</a>", picture->anchor, s->packet, text);
        else
            html_text(out, text);
    }
    if (sa->n_steps > SEQUENCE_MAX_STEPS)
        html_put(out, "<br/>and %zu more", sa->n_steps - SEQUENCE_MAX_STEPS);
}

static void put_number_cell(FILE *out, const struct sequence_picture *picture, uint64_t number,
                            unsigned packet)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    html_put(out, "<td>%s <span class=\"source\">packet ", text);
    put_packet_link(out, picture, packet);
    fputs("</span></td>", out);
}

static void put_table(FILE *out, const struct sequence_picture *picture, const struct sequences_layout *l)
{
    fputs("<div class=\"scroll\"><table class=\"numbers\">\n<thead><tr><th scope=\"col\">SA</th>"
          "<th scope=\"col\">Of</th><th scope=\"col\">Packets</th><th scope=\"col\">First</th>"
          "<th scope=\"col\">Last</th><th scope=\"col\">Where it does not go on by one</th>"
          "<th scope=\"col\">Copies</th><th scope=\"col\">Dropped</th><th "
          "scope=\"col\">Lost</th></tr></thead>\n<tbody>\n",
          out);
    for (size_t i = 0; i < l->n_sas; i++) {
        char spi[24];
        const struct sequence_sa *sa = &l->sas[i];
        snprintf(spi, sizeof spi, "%08" PRIx32, sa->spi);
        html_put(out, "<tr><th scope=\"row\"><code>%s</code></th><td>%s</td><td>%zu</td>", spi,
                 side_of(picture, sa->from_peer), sa->packets);
        put_number_cell(out, picture, sa->first, sa->first_packet);
        put_number_cell(out, picture, sa->last, sa->last_packet);
        fputs("<td>", out);
        put_steps(out, picture, sa);
        html_put(out, "</td><td>%zu</td><td>%zu</td><td>%zu</td></tr>\n", sa->copies, sa->dropped, sa->lost);
    }
    fputs("</tbody></table></div>\n", out);
}

bool html_sequences(FILE *out, const struct sequence_picture *picture)
{
    struct sequences_layout l;
    if (picture->list->count == 0)
        return true;
    if (!sequences_layout(picture, &l))
        return false;
    fputs("<details class=\"sequence-numbers\"", out);
    fputs(l.n_sas <= 4 ? " open=\"open\">" : ">", out);
    html_put(out, "<summary>Sequence numbers of %zu ESP SA%s</summary>\n", l.n_sas, l.n_sas == 1 ? "" : "s");
    put_picture(out, picture, &l);
    if (l.n_rows < l.n_sas)
        html_put(out, "<p class=\"no-ladder\">The picture has %zu of them, the table all.</p>\n", l.n_rows);
    put_table(out, picture, &l);
    fputs("</details>\n", out);
    sequences_layout_clear(&l);
    return true;
}
