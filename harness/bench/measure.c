#include "bench/bench.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double cpu_seconds(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

double wall_seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

void give_up(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

/* --- series
 * ------------------------------------------------------------------------------------------------- */

void series_add(struct series *s, double value)
{
    require(s->n < BENCH_MAX_ROUNDS, "more than %d rounds", BENCH_MAX_ROUNDS);
    s->values[s->n++] = value;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct series sorted(const struct series *s)
{
    struct series copy = *s;
    qsort(copy.values, copy.n, sizeof copy.values[0], by_size);
    return copy;
}

double series_median(const struct series *s)
{
    require(s->n > 0, "a figure without rounds");
    struct series in_order = sorted(s);
    return (in_order.values[(s->n - 1) / 2] + in_order.values[s->n / 2]) / 2;
}

/* --- figures
 * -------------------------------------------------------------------------------------------------- */

static void print_figure(const struct figure *f, double value, double limit, const struct series *ratios,
                         const char *better)
{
    struct series in_order = sorted(ratios);
    json_t *line = json_pack("{s:s, s:s, s:f, s:s, s:f, s:f, s:f, s:f, s:i, s:s}", "what", f->what, "unit",
                             f->unit, "value", value, "limit", f->limit, "limit_value", limit, "ratio",
                             series_median(ratios), "ratio_low", in_order.values[0], "ratio_high",
                             in_order.values[in_order.n - 1], "rounds", (int)in_order.n, "better", better);
    require(line != NULL && json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0,
            "a figure cannot be written");
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

/* The ratio is taken within each round, where both saw the same machine. */
static struct series shares(const struct series *ours, const struct series *limit)
{
    struct series out = {0};
    require(ours->n == limit->n, "a figure and its limit have different rounds");
    for (unsigned i = 0; i < ours->n; i++)
        series_add(&out, limit->values[i] / ours->values[i]);
    return out;
}

void report_rate(const struct figure *f, const struct series *ours, const struct series *limit)
{
    struct series ratios = shares(ours, limit);
    print_figure(f, 1 / series_median(ours), 1 / series_median(limit), &ratios, "higher");
}

void report_duration(const struct figure *f, double per_second, const struct series *ours,
                     const struct series *limit)
{
    struct series ratios = shares(ours, limit);
    print_figure(f, per_second * series_median(ours), per_second * series_median(limit), &ratios, "higher");
}

void report_value(const struct figure *f, double value, double limit)
{
    struct series ratio = {.n = 1, .values = {value / limit}};
    print_figure(f, value, limit, &ratio, "lower");
}
