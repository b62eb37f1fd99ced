#include "cli/run_console.h"

#include <stdio.h>
#include <string.h>

struct group_row {
    size_t all, judged, verdicts[VERDICT_COUNT];
};

static struct group_row row_of(const struct console *console, const char *group)
{
    struct group_row row = {0};
    size_t n;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i].group, group) != 0)
            continue;
        enum verdict worst = console->per_requirement[i];
        row.all++;
        row.verdicts[worst]++;
        row.judged += worst == VERDICT_PASS || worst == VERDICT_WARN || worst == VERDICT_FAIL;
    }
    return row;
}

static void print_cell(const struct console *console, enum verdict verdict, size_t count)
{
    if (count == 0)
        printf(" %8s", "-");
    else
        printf(" %s%8zu%s", console_colour(console, verdict), count, console_plain(console));
}

void console_print_table(const struct console *console)
{
    size_t n;
    const struct requirement_group *groups = requirement_groups(&n);
    printf("\n%-44s %6s %6s %8s %8s %8s %8s\n", "Requirements", "all", "judged", "PASS", "WARN", "FAIL",
           "OBSERVED");
    for (size_t i = 0; i < n; i++) {
        struct group_row row = row_of(console, groups[i].name);
        printf("%-5s %-38s %6zu %6zu", groups[i].name, groups[i].title, row.all, row.judged);
        print_cell(console, VERDICT_PASS, row.verdicts[VERDICT_PASS]);
        print_cell(console, VERDICT_WARN, row.verdicts[VERDICT_WARN]);
        print_cell(console, VERDICT_FAIL, row.verdicts[VERDICT_FAIL]);
        print_cell(console, VERDICT_OBSERVED, row.verdicts[VERDICT_OBSERVED]);
        putchar('\n');
    }
}

void console_print_counts(const struct console *console, const struct run_progress *progress)
{
    printf("\n%zu of %zu combinations in %.1f s:", progress->done, progress->total,
           (double)progress->elapsed_us / 1e6);
    for (unsigned v = 0; v < VERDICT_COUNT; v++)
        if (progress->verdicts[v])
            printf(" %s%zu %s%s", console_colour(console, (enum verdict)v), progress->verdicts[v],
                   verdict_name((enum verdict)v), console_plain(console));
    if (progress->skipped)
        printf(" (%zu cases left out)", progress->skipped);
    putchar('\n');
    if (progress->own_us > 0)
        printf("waited %.1f s for the peer, %.1f s (%.1f %%) for the suite itself\n",
               (double)progress->waited_us / 1e6, (double)progress->own_us / 1e6,
               100.0 * (double)progress->own_us / (double)(progress->waited_us + progress->own_us));
}

/* A failure that met nothing is no error: not every case has the update that it is about. */
void console_print_again(const struct console *console)
{
    if (console->played_again > 0)
        printf("played again, because the way to the check had failed: %zu\n", console->played_again);
}

void console_print_schedule(const struct console *console)
{
    if (console->unmet > 0)
        printf("a failure of the schedule met nothing in %zu combinations: %s\n", console->unmet,
               console->first_unmet);
}
