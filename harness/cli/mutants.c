#include "cli/mutants.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/catalogue.h"
#include "run/run_worker.h"
#include "stage/play.h"

enum { FAULT_SECONDS = 300, BOTH_ROLES = 1 << ROLE_INITIATOR | 1 << ROLE_RESPONDER };

enum progress { NOT_BEGUN, BEGUN, DONE };

struct mutants {
    size_t size; /* of all of it */
    size_t n_cases;
    atomic_size_t next; /* fault to play */
    _Atomic unsigned char progress[1024];
    struct mutant_cell cells[]; /* fault by fault */
};

bool case_claims(const struct test_case *tc, const char *requirement)
{
    return strncmp(requirement, "IKE-", 4) == 0 || case_requires(tc, requirement);
}

static bool claims_any(const struct test_case *tc, const struct reference_fault *fault)
{
    for (size_t i = 0; i < FAULT_MAX_REQUIREMENTS && fault->requirements[i]; i++)
        if (case_claims(tc, fault->requirements[i]))
            return true;
    return false;
}

bool cell_breaks(const struct mutant_cell *cell, size_t requirement)
{
    return cell->broken[requirement / 64] >> requirement % 64 & 1;
}

/* --- playing ------------------------------------------------------------------------------------- */

static void count(struct mutant_cell *cell, const struct outcome *outcome)
{
    size_t n;
    const struct requirement *all = requirements(&n);
    cell->played++;
    cell->errors += outcome->verdict == VERDICT_ERROR;
    for (unsigned i = 0; i < outcome->n_checks; i++) {
        const struct requirement *r = requirement_find(outcome->checks[i].requirement);
        if (r && outcome->checks[i].result == CHECK_BROKEN)
            cell->broken[(r - all) / 64] |= UINT64_C(1) << (r - all) % 64;
    }
}

/* No case repeats an ordinary request by itself: a link that loses packets makes it. */
static unsigned loss_for(const struct reference_fault *fault)
{
    return fault_breaks(fault, "IKE-3") ? 10 : 0;
}

static void play_case(struct driver *driver, const struct reference_fault *fault, const struct test_case *tc,
                      const struct mutants_options *options, struct mutant_cell *cell)
{
    size_t n;
    enum depth depth = claims_any(tc, fault) ? options->claimants : options->others;
    unsigned loss = loss_for(fault);
    struct combination *list =
        combinations_of(case_axes(tc, depth), tc->roles ? tc->roles : BOTH_ROLES, depth, &n);
    for (size_t i = 0; i < n; i++) {
        const struct play_options play = {.test_case = tc,
                                          .combination = &list[i],
                                          .driver = driver,
                                          .seed = run_seed(options->seed, tc, &list[i]),
                                          .lose_percent = loss,
                                          .duplicate_percent = loss,
                                          .reorder_percent = loss};
        struct outcome outcome;
        int64_t end_us;
        play_combination(&play, &outcome, &end_us);
        count(cell, &outcome);
        outcome_clear(&outcome);
    }
    free(list);
}

static void play_fault(struct mutants *m, size_t at, const struct mutants_options *options)
{
    size_t n_faults, n_cases;
    struct error err;
    const struct reference_fault *fault = &reference_faults(&n_faults)[at];
    const struct test_case *const *cases = all_cases(&n_cases);
    if (options->only && strcmp(options->only, fault->name) != 0)
        return;
    m->progress[at] = BEGUN;
    alarm(FAULT_SECONDS);
    struct driver *driver = reference_memory(fault->name, &err);
    for (size_t i = 0; driver && i < n_cases; i++)
        play_case(driver, fault, cases[i], options, &m->cells[at * n_cases + i]);
    if (driver)
        m->progress[at] = DONE;
    reference_free(driver);
}

/* Until no fault is left. A fault that kills this process leaves its mark, and the next one goes on. */
static pid_t start_worker(struct mutants *m, const struct mutants_options *options)
{
    size_t n_faults;
    reference_faults(&n_faults);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    for (size_t at; (at = atomic_fetch_add(&m->next, 1)) < n_faults;)
        play_fault(m, at, options);
    _exit(0);
}

static bool play_all(struct mutants *m, const struct mutants_options *options, struct error *err)
{
    size_t n_faults;
    unsigned running = 0;
    bool started = true;
    reference_faults(&n_faults);
    while (running > 0 || (started && m->next < n_faults)) {
        while (started && running < options->jobs && m->next < n_faults) {
            started = start_worker(m, options) > 0;
            running += started;
        }
        if (running > 0 && wait(NULL) > 0)
            running--;
    }
    return started || fail(err, "cannot start a process: %s", strerror(errno));
}

struct mutants *mutants_play(const struct mutants_options *options, struct error *err)
{
    size_t n_faults, n_cases, n_requirements;
    reference_faults(&n_faults);
    all_cases(&n_cases);
    requirements(&n_requirements);
    size_t size = sizeof(struct mutants) + n_faults * n_cases * sizeof(struct mutant_cell);
    struct mutants *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED || n_requirements > MUTANTS_MAX_REQUIREMENTS || n_faults > sizeof m->progress) {
        fail(err, "the matrix of %zu faults and %zu cases is too large", n_faults, n_cases);
        if (m != MAP_FAILED)
            munmap(m, size);
        return NULL;
    }
    m->size = size;
    m->n_cases = n_cases;
    if (play_all(m, options, err))
        return m;
    mutants_free(m);
    return NULL;
}

void mutants_free(struct mutants *mutants)
{
    if (mutants)
        munmap(mutants, mutants->size);
}

const struct mutant_cell *mutants_cell(const struct mutants *mutants, size_t fault, size_t test_case)
{
    return &mutants->cells[fault * mutants->n_cases + test_case];
}

bool mutants_crashed(const struct mutants *mutants, size_t fault)
{
    return mutants->progress[fault] == BEGUN;
}

bool mutants_was_played(const struct mutants *mutants, size_t fault)
{
    return mutants->progress[fault] != NOT_BEGUN;
}
