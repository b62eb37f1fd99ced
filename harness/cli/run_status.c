#include "cli/run_status.h"

#include <stdio.h>

/* A run in which nothing could be judged is never a success, whatever was expected of it. */
static const char *nothing_judged(const struct run_progress *p)
{
    const size_t *v = p->verdicts;
    if (p->total == 0)
        return "nothing ran: no case was selected";
    if (v[VERDICT_PASS] + v[VERDICT_WARN] + v[VERDICT_FAIL] > 0)
        return NULL;
    if (v[VERDICT_ERROR] > 0)
        return "nothing could be judged: the suite itself failed";
    if (v[VERDICT_INCONCLUSIVE] > 0)
        return "nothing could be judged: the way to every check failed";
    if (v[VERDICT_OBSERVED] > 0)
        return "nothing was judged: what ran only observes";
    return "nothing could be judged: the peer supports none of what was to be played";
}

static int against_expectation(const struct console *console, char *why, size_t size)
{
    size_t other = console->deviations - console->unexpected_passes;
    if (console->deviations == 0)
        snprintf(why, size, "as expected: %zu known deviations, no other", console->expected_ones);
    else
        snprintf(why, size, "not as expected: %zu other deviations, %zu expected ones that passed", other,
                 console->unexpected_passes);
    return console->deviations ? EXIT_DEVIATES : EXIT_CONFORMS;
}

static int against_the_rules(const struct run_progress *p, bool strict, char *why, size_t size)
{
    const size_t *v = p->verdicts;
    if (v[VERDICT_FAIL] > 0)
        snprintf(why, size, "does not conform: %zu combinations failed", v[VERDICT_FAIL]);
    else if (v[VERDICT_ERROR] > 0)
        snprintf(why, size, "the suite itself failed in %zu combinations", v[VERDICT_ERROR]);
    else if (v[VERDICT_INCONCLUSIVE] > 0)
        snprintf(why, size, "the way to the check failed in %zu combinations", v[VERDICT_INCONCLUSIVE]);
    else if (v[VERDICT_WARN] > 0 && strict)
        snprintf(why, size, "does not conform strictly: a SHOULD is broken in %zu combinations",
                 v[VERDICT_WARN]);
    else {
        snprintf(why, size, "conforms in all that was judged");
        return EXIT_CONFORMS;
    }
    return EXIT_DEVIATES;
}

int run_status(const struct run_report *report, const struct console *console, const struct error *err,
               char *why, size_t size)
{
    const char *nothing = nothing_judged(&report->progress);
    switch (report->end) {
    case RUN_INTERRUPTED:
        snprintf(why, size, "%s after %zu of %zu combinations", err->text, report->progress.done,
                 report->progress.total);
        return 128 + report->signal;
    case RUN_NOT_UP:
        snprintf(why, size, "the peer could not be brought up: %s", err->text);
        return EXIT_NO_RESULT;
    case RUN_UNHEARD:
        snprintf(why, size, "the run was ended: %s", err->text);
        return report->progress.verdicts[VERDICT_FAIL] ? EXIT_DEVIATES : EXIT_NO_RESULT;
    case RUN_BROKEN:
        snprintf(why, size, "the run was ended: %s", err->text);
        return EXIT_NO_RESULT;
    case RUN_COMPLETE:
        break;
    }
    if (nothing) {
        snprintf(why, size, "%s", nothing);
        return EXIT_NO_RESULT;
    }
    return console->expected ? against_expectation(console, why, size)
                             : against_the_rules(&report->progress, console->strict, why, size);
}
