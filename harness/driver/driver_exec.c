#include "driver/driver_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "driver/driver_line.h"
#include "driver/driver_log.h"
#include "driver/program.h"
#include "driver/run_record.h"

enum { VERB_TIMEOUT_MS = 15000, NO_SLOT = -1, NO_LOG_YET = -1 };

struct exec_driver {
    struct driver base;
    char run_folder[PATH_MAX]; /* as given */
    char executable[PATH_MAX]; /* empty: none */
    char run_name[8];
    char state[PATH_MAX]; /* empty: not started */
    int home_netns;       /* where the runner was started; -1: never left */
    pid_t owner;          /* the process that started the peer */
    int family;           /* of the combination that is open, 4 or 6; 0: none is */
    const char *auth;     /* of the combination that is open; NULL: none is */
    const char *mobike;   /* the same, */
    const char *mode;     /* and again */
    bool has_pki;         /* there are files for the peer */
    int64_t logged;       /* length of the peer's log when this process first opened a line */
    bool up;
};

static struct exec_driver *exec_of(struct driver *d)
{
    return (struct exec_driver *)d;
}

/* --- calling a verb ------------------------------------------------------------------------------ */

struct environment {
    char state[PATH_MAX + 32], psk_file[PATH_MAX + 32], run[32], slot[32], slots[32], family[32], owner[32];
    char pki[PATH_MAX + 32], auth[32], mobike[32], mode[40];
};

static void environment_of(struct program *program, const struct exec_driver *d, int slot,
                           struct environment *text)
{
    size_t n = 0;
    snprintf(text->state, sizeof text->state, "UNDERSTUDY_STATE=%s", d->state);
    snprintf(text->psk_file, sizeof text->psk_file, "UNDERSTUDY_PSK_FILE=%s/psk", d->state);
    snprintf(text->run, sizeof text->run, "UNDERSTUDY_RUN=%s", d->run_name);
    snprintf(text->slots, sizeof text->slots, "UNDERSTUDY_SLOTS=%u", d->base.config.slots);
    snprintf(text->slot, sizeof text->slot, "UNDERSTUDY_SLOT=%d", slot);
    snprintf(text->family, sizeof text->family, "UNDERSTUDY_FAMILY=%d", d->family);
    program->env[n++] = text->state;
    program->env[n++] = text->psk_file;
    program->env[n++] = text->run;
    program->env[n++] = text->slots;
    snprintf(text->owner, sizeof text->owner, "UNDERSTUDY_PID=%d", (int)d->owner);
    program->env[n++] = text->owner;
    if (slot != NO_SLOT)
        program->env[n++] = text->slot;
    if (d->family)
        program->env[n++] = text->family;
    if (d->auth) {
        snprintf(text->auth, sizeof text->auth, "UNDERSTUDY_AUTH=%s", d->auth);
        program->env[n++] = text->auth;
    }
    if (d->mobike) {
        snprintf(text->mobike, sizeof text->mobike, "UNDERSTUDY_MOBIKE=%s", d->mobike);
        program->env[n++] = text->mobike;
    }
    if (d->mode) {
        snprintf(text->mode, sizeof text->mode, "UNDERSTUDY_MODE=%s", d->mode);
        program->env[n++] = text->mode;
    }
    if (d->has_pki) {
        snprintf(text->pki, sizeof text->pki, "UNDERSTUDY_PKI=%s/pki", d->state);
        program->env[n++] = text->pki;
    }
    program->env[n] = NULL;
}

struct verb {
    const char *name;
    int slot;
    unsigned timeout_ms;
    int output_fd; /* -1: into the result */
    bool interruptible;
    const char *argument; /* NULL: none */
};

/* False with the error when the driver could not be called at all, or did not come back. */
static bool call(const struct exec_driver *d, const struct verb *verb, struct program_result *result,
                 struct error *err)
{
    const char *argv[] = {d->executable, verb->name, verb->argument, NULL};
    struct program program = {.argv = argv,
                              .timeout_ms = verb->timeout_ms,
                              .netns_fd = d->home_netns,
                              .output_fd = verb->output_fd,
                              .interruptible = verb->interruptible};
    struct environment environment;
    environment_of(&program, d, verb->slot, &environment);
    struct error why;
    if (program_run(&program, result, &why))
        return true;
    return fail(err, "driver %s, %s: %s%s%s", d->executable, verb->name, why.text,
                result->complaint[0] ? "; it last said: " : "", result->complaint);
}

static bool failed_verb(const struct exec_driver *d, const char *verb, const struct program_result *result,
                        struct error *err)
{
    if (result->complaint[0])
        return fail(err, "driver %s, %s: %s (exit status %d)", d->executable, verb, result->complaint,
                    result->status);
    return fail(err, "driver %s, %s: exit status %d, and nothing on standard error", d->executable, verb,
                result->status);
}

/* --- the state folder ---------------------------------------------------------------------------- */

static bool write_secret(const char *folder, const char *name, const char *text, struct error *err)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t len = strlen(text);
    bool written = fd >= 0 && write(fd, text, len) == (ssize_t)len;
    int why = errno;
    if (fd >= 0 && close(fd) < 0 && written) {
        written = false;
        why = errno;
    }
    return written || fail(err, "cannot write %s: %s", path, strerror(why));
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    remove(path);
    return 0;
}

static void remove_state(struct exec_driver *d)
{
    d->has_pki = false;
    if (d->state[0]) {
        nftw(d->state, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
        run_record_remove(d->run_name);
    }
    d->state[0] = '\0';
}

/* Unless the run is known to need none: a peer is not made to know CAs that nobody uses. */
static bool make_pki(struct exec_driver *d, struct error *err)
{
    const struct peer_config *config = &d->base.config;
    char folder[PATH_MAX + 8];
    enum key_kind kind;
    bool needed = false;
    for (unsigned by = 0; by < axis_values(AXIS_AUTH); by++)
        needed = needed || ((config->auth & d->base.auth_in_play & 1u << by) &&
                            auth_needs_certificates((enum auth_by)by, &kind));
    if (!needed || config->ca_file[0])
        return true;
    snprintf(folder, sizeof folder, "%s/pki", d->state);
    d->has_pki =
        pki_prepare(&d->base.pki, config, d->base.auth_in_play, err) && pki_write(&d->base.pki, folder, err);
    return d->has_pki;
}

static bool make_state(struct exec_driver *d, struct error *err)
{
    char folder[PATH_MAX];
    if (mkdir(d->run_folder, 0700) < 0 && errno != EEXIST)
        return fail(err, "cannot make folder %s: %s", d->run_folder, strerror(errno));
    if (!realpath(d->run_folder, folder))
        return fail(err, "run folder %s: %s", d->run_folder, strerror(errno));
    if (snprintf(d->state, sizeof d->state, "%s/state-%s", folder, d->run_name + 1) >= (int)sizeof d->state) {
        d->state[0] = '\0';
        return fail(err, "run folder %.100s...: the name is too long", folder);
    }
    run_record_write(d->run_name, d->state); /* before there is anything that could stay behind */
    if (mkdir(d->state, 0700) < 0) {
        int why = errno;
        run_record_remove(d->run_name);
        d->state[0] = '\0';
        return fail(err, "cannot make a state folder in %s: %s", folder, strerror(why));
    }
    return write_secret(d->state, "psk", d->base.config.psk, err) && make_pki(d, err);
}

/* --- start and stop ------------------------------------------------------------------------------ */

static bool probe(const struct exec_driver *d, struct error *err)
{
    struct verb verb = {.name = "no-such-verb",
                        .slot = NO_SLOT,
                        .timeout_ms = VERB_TIMEOUT_MS,
                        .output_fd = -1,
                        .interruptible = true};
    struct program_result result;
    if (!call(d, &verb, &result, err))
        return false;
    if (result.status == DRIVER_NO_SUCH_TRIGGER)
        return true;
    return fail(err,
                "driver %s is broken: it ended with status %d for a verb that does not exist; make it exit "
                "127 for every verb that it does not know",
                d->executable, result.status);
}

static bool take_facts(struct peer_config *config, char *output, struct error *err)
{
    char *rest = output, *line;
    while ((line = strsep(&rest, "\n"))) {
        size_t len = strlen(line);
        if (len > 0 && line[len - 1] == '\r')
            line[--len] = '\0';
        if (len > 0 && !peer_config_fact(config, line, err)) {
            char quoted[64];
            program_quote(quoted, sizeof quoted, line, len);
            return fail_within(err, "start printed \"%s\" where only key=value facts may stand", quoted);
        }
    }
    return true;
}

static bool bring_up(struct exec_driver *d, struct error *err)
{
    struct peer_config *config = &d->base.config;
    unsigned timeout_ms = config->start_timeout_ms ? config->start_timeout_ms : VERB_TIMEOUT_MS;
    struct verb verb = {
        .name = "start", .slot = NO_SLOT, .timeout_ms = timeout_ms, .output_fd = -1, .interruptible = true};
    struct program_result result;
    if (!call(d, &verb, &result, err))
        return false;
    if (result.status != 0)
        return failed_verb(d, verb.name, &result, err);
    if (!take_facts(config, result.output, err))
        return fail_within(err, "driver %s", d->executable);
    return config->ipv4.peer[0] || config->ipv6.peer[0] ||
           fail(err,
                "driver %s: start told no peer_address, and peer.ini has none: print one there, or write "
                "peer = in [address]",
                d->executable);
}

static void ask_version(struct exec_driver *d)
{
    char *version = d->base.config.version;
    struct verb verb = {.name = "version",
                        .slot = NO_SLOT,
                        .timeout_ms = VERB_TIMEOUT_MS,
                        .output_fd = -1,
                        .interruptible = true};
    struct program_result result;
    if (!version[0] && call(d, &verb, &result, NULL) && result.status == 0)
        program_quote(version, sizeof d->base.config.version, result.output, strcspn(result.output, "\r\n"));
}

/* Also after a start that failed half-way: only the driver knows what it left behind. */
static void take_down(struct driver *base)
{
    struct exec_driver *d = exec_of(base);
    struct verb verb = {.name = "stop",
                        .slot = NO_SLOT,
                        .timeout_ms = VERB_TIMEOUT_MS,
                        .output_fd = -1,
                        .interruptible = false};
    struct program_result result;
    if (d->up)
        call(d, &verb, &result, NULL);
    d->up = false;
    remove_state(d);
}

static bool start(struct driver *base, struct error *err)
{
    struct exec_driver *d = exec_of(base);
    if (driver_carries_raw_esp(base) && !link_may_carry_esp(err))
        return false;
    if (!d->executable[0])
        return true;
    if (!make_state(d, err) || !probe(d, err)) {
        remove_state(d);
        return false;
    }
    d->up = true;
    d->owner = getpid();
    if (!bring_up(d, err)) {
        take_down(base);
        return false;
    }
    ask_version(d);
    return true;
}

/* --- what the peer logs -------------------------------------------------------------------------- */

/* All of it, into memory; -1: there is none. */
static int read_log(const struct exec_driver *d, unsigned slot)
{
    int log = driver_log_open();
    struct verb verb = {.name = "logs",
                        .slot = (int)slot,
                        .timeout_ms = VERB_TIMEOUT_MS,
                        .output_fd = log,
                        .interruptible = true};
    struct program_result result;
    if (log < 0 || (call(d, &verb, &result, NULL) && result.status == 0))
        return log;
    close(log);
    return -1;
}

/* A process plays one case: what was there before is of others. */
static void note_log(struct exec_driver *d, unsigned slot)
{
    if (!d->executable[0] || d->logged != NO_LOG_YET)
        return;
    int log = read_log(d, slot);
    d->logged = driver_log_length(log);
    close(log);
}

static void logs(struct driver *base, unsigned slot, const char *path)
{
    struct exec_driver *d = exec_of(base);
    if (!d->executable[0] || d->logged == NO_LOG_YET)
        return;
    int log = read_log(d, slot);
    if (log < 0)
        return;
    driver_log_keep(log, d->logged, d->base.config.psk, path);
    d->logged = driver_log_length(log);
    close(log);
}

/* --- around a combination ------------------------------------------------------------------------ */

static bool open_line(struct driver *base, unsigned slot, const struct combination *combination,
                      uint64_t seed, int64_t start_us, struct driver_line *line, struct error *err)
{
    (void)seed, (void)start_us;
    struct exec_driver *d = exec_of(base);
    if (!driver_line_is_possible(&base->config, slot, combination, err))
        return false;
    note_log(d, slot);
    d->family = combination->value[AXIS_FAMILY] == FAMILY_IPV6 ? 6 : 4;
    d->auth = axis_value_name(AXIS_AUTH, combination->value[AXIS_AUTH]);
    d->mobike = axis_value_name(AXIS_MOBIKE, combination->value[AXIS_MOBIKE]);
    d->mode = axis_value_name(AXIS_MODE, combination->value[AXIS_MODE]);
    if (base->config.netns[0] && !driver_line_enter(base->config.netns, &d->home_netns, err))
        return false;
    return driver_line_open(&base->config, slot, combination, driver_carries_raw_esp(base), line, err);
}

static void close_line(struct driver *base, unsigned slot)
{
    (void)slot;
    exec_of(base)->family = 0;
    exec_of(base)->auth = NULL;
    exec_of(base)->mobike = NULL;
    exec_of(base)->mode = NULL;
    driver_line_leave(&exec_of(base)->home_netns);
}

static int trigger(struct driver *base, unsigned slot, const char *name, const char *argument,
                   struct error *err)
{
    struct exec_driver *d = exec_of(base);
    if (!d->executable[0])
        return DRIVER_NO_SUCH_TRIGGER;
    const struct verb verb = {.name = name,
                              .argument = argument,
                              .slot = (int)slot,
                              .timeout_ms = VERB_TIMEOUT_MS,
                              .output_fd = -1,
                              .interruptible = true};
    struct program_result result;
    if (!call(d, &verb, &result, err))
        return -1;
    if (result.status != 0 && result.status != DRIVER_NO_SUCH_TRIGGER)
        failed_verb(d, name, &result, err);
    return result.status;
}

static const struct driver_ops EXEC_OPS = {
    .start = start,
    .stop = take_down,
    .open = open_line,
    .close = close_line,
    .trigger = trigger,
    .logs = logs,
};

/* --- making one ---------------------------------------------------------------------------------- */

static void choose_run_name(char name[8])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    struct random_source random = random_from_system();
    name[0] = 'u';
    for (int i = 1; i < 7; i++)
        name[i] = letters[random_below(&random, sizeof letters - 1)];
    name[7] = '\0';
}

struct driver *driver_exec_new(const struct peer_config *config, const char *run_folder, struct error *err)
{
    struct exec_driver *d = calloc(1, sizeof *d);
    if (!d) {
        fail(err, "out of memory");
        return NULL;
    }
    d->base.ops = &EXEC_OPS;
    d->base.config = *config;
    d->base.auth_in_play = ~0u;
    d->home_netns = -1;
    d->logged = NO_LOG_YET;
    snprintf(d->run_folder, sizeof d->run_folder, "%s", run_folder);
    choose_run_name(d->run_name);
    if (config->driver[0] && !realpath(config->driver, d->executable)) {
        fail(err, "driver %s: %s", config->driver, strerror(errno));
        free(d);
        return NULL;
    }
    return &d->base;
}

void driver_exec_free(struct driver *driver)
{
    if (!driver)
        return;
    take_down(driver);
    driver_line_leave(&exec_of(driver)->home_netns);
    pki_clear(&driver->pki);
    free(driver);
}
