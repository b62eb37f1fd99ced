#include "reports/html/sequences_layout.h"

#include <stdlib.h>

/* --- the time axis ------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const struct tick *x = a, *y = b;
    return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

/* Eighths of the logarithm to the base 2; of 0: 0. Between powers of two it is a straight line. */
static int64_t logarithm(uint64_t of)
{
    unsigned bit = 0;
    while (bit < 63 && of >> (bit + 1))
        bit++;
    return 8 * (int64_t)bit + (int64_t)(bit >= 3 ? of >> (bit - 3) & 7 : of << (3 - bit) & 7);
}

/* A packet takes its place whenever it comes; silence takes the more the longer it lasts. */
static int64_t width_of(int64_t us)
{
    return us <= 0 ? 0 : 8 + logarithm(1 + (uint64_t)us / 1000);
}

static void keep_distinct(struct sequences_layout *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n_ticks; i++)
        if (n == 0 || l->ticks[i].at_us != l->ticks[n - 1].at_us)
            l->ticks[n++] = l->ticks[i];
    l->n_ticks = n;
}

static void set_ticks(struct sequences_layout *l, const struct sequence_picture *p)
{
    for (size_t i = 0; i < p->list->count; i++)
        l->ticks[l->n_ticks++].at_us = p->list->points[i].at_us;
    for (size_t i = 0; i < p->n_moments; i++)
        l->ticks[l->n_ticks++].at_us = p->moments[i].at_us;
    qsort(l->ticks, l->n_ticks, sizeof *l->ticks, by_time);
    keep_distinct(l);
    int64_t all = 0, so_far = 0;
    for (size_t i = 1; i < l->n_ticks; i++)
        all += width_of(l->ticks[i].at_us - l->ticks[i - 1].at_us);
    for (size_t i = 0; i < l->n_ticks; i++) {
        so_far += i ? width_of(l->ticks[i].at_us - l->ticks[i - 1].at_us) : 0;
        l->ticks[i].x = SEQUENCES_LEFT + 10 + (int)(all > 0 ? so_far * (SEQUENCES_PLOT - 20) / all : 0);
    }
}

int sequences_x(const struct sequences_layout *l, int64_t at_us)
{
    const struct tick key = {.at_us = at_us},
                      *tick = bsearch(&key, l->ticks, l->n_ticks, sizeof key, by_time);
    return tick ? tick->x : SEQUENCES_LEFT;
}

/* --- which points -------------------------------------------------------------------------------- */

static bool of_row(const struct row *row, const struct sequence_point *p)
{
    return p->spi == row->sa->spi && p->from_peer == row->sa->from_peer;
}

static bool is_step(const struct sequence_sa *sa, size_t point)
{
    for (size_t i = 0; i < sa->n_steps && i < SEQUENCE_MAX_STEPS; i++)
        if (sa->steps[i].point == point)
            return true;
    return false;
}

static void take_points(struct row *row, const struct sequence_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (of_row(row, &list->points[i]))
            row->points[row->n_points++] =
                (struct row_point){.point = &list->points[i], .is_step = is_step(row->sa, i)};
}

static bool says_more(const struct row_point *at)
{
    return at->is_step || at->point->copy || at->point->fate == SEQUENCE_DROPPED ||
           at->point->fate == SEQUENCE_LOST;
}

/* Of many, those stay that say more than that it goes on, their neighbours, and every n-th of the others. */
static void thin_out(struct row *row)
{
    size_t n = row->n_points, kept = 0, every = n / SEQUENCES_MAX_POINTS + 1;
    if (n <= SEQUENCES_MAX_POINTS)
        return;
    for (size_t i = 0; i < n; i++) {
        bool beside = i + 1 == n || says_more(&row->points[i + 1]);
        if (says_more(&row->points[i]) || beside || i % every == 0)
            row->points[kept++] = row->points[i];
    }
    row->n_points = kept;
}

/* --- the axis of numbers ------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const struct row_point *const *x = a, *const *y = b;
    uint64_t of_x = (*x)->point->number, of_y = (*y)->point->number;
    return of_x < of_y ? -1 : of_x > of_y;
}

static int64_t height_of(uint64_t numbers)
{
    return numbers == 0 ? 0 : 8 + logarithm(numbers);
}

static void set_heights(const struct row *row, struct row_point **sorted)
{
    int64_t all = 0, so_far = 0;
    for (size_t i = 0; i < row->n_points; i++)
        sorted[i] = &row->points[i];
    qsort(sorted, row->n_points, sizeof(struct row_point *), by_number);
    for (size_t i = 1; i < row->n_points; i++)
        all += height_of(sorted[i]->point->number - sorted[i - 1]->point->number);
    for (size_t i = 0; i < row->n_points; i++) {
        so_far += i ? height_of(sorted[i]->point->number - sorted[i - 1]->point->number) : 0;
        sorted[i]->y =
            row->top + SEQUENCES_ROW - 16 - (int)(all > 0 ? so_far * (SEQUENCES_ROW - 34) / all : 0);
    }
}

/* --- all of it ----------------------------------------------------------------------------------- */

static void set_rows(struct sequences_layout *l, const struct sequence_picture *p, struct row_point **sorted)
{
    struct row_point *free_points = l->points;
    for (size_t i = 0; i < l->n_rows; i++) {
        struct row *row = &l->rows[i];
        *row = (struct row){
            .sa = &l->sas[i], .points = free_points, .top = SEQUENCES_TOP + (int)i * SEQUENCES_ROW};
        take_points(row, p->list);
        free_points += row->n_points;
        thin_out(row);
        for (size_t k = 0; k < row->n_points; k++)
            row->points[k].x = sequences_x(l, row->points[k].point->at_us);
        set_heights(row, sorted);
    }
}

bool sequences_layout(const struct sequence_picture *p, struct sequences_layout *out)
{
    *out = (struct sequences_layout){0};
    size_t n = p->list->count;
    struct row_point **sorted = calloc(n + 1, sizeof *sorted);
    bool good = sorted && sequence_sas(p->list, &out->sas, &out->n_sas);
    if (good) {
        out->n_rows = out->n_sas < SEQUENCES_MAX_ROWS ? out->n_sas : SEQUENCES_MAX_ROWS;
        out->rows = calloc(out->n_rows + 1, sizeof *out->rows);
        out->points = calloc(n + 1, sizeof *out->points);
        out->ticks = calloc(n + p->n_moments + 1, sizeof *out->ticks);
        good = out->rows && out->points && out->ticks;
    }
    if (good) {
        out->height = SEQUENCES_TOP + (int)out->n_rows * SEQUENCES_ROW + SEQUENCES_BOTTOM;
        set_ticks(out, p);
        set_rows(out, p, sorted);
    } else {
        sequences_layout_clear(out);
    }
    free(sorted);
    return good;
}

void sequences_layout_clear(struct sequences_layout *l)
{
    free(l->sas);
    free(l->rows);
    free(l->points);
    free(l->ticks);
    *l = (struct sequences_layout){0};
}
