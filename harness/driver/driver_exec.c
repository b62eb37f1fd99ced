#include "driver/driver_exec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "driver/driver_line.h"
#include "driver/driver_log.h"
#include "driver/exec_parts.h"

enum { NO_LOG_YET = -1 };

static struct exec_driver *exec_of(struct driver *d)
{
    return (struct exec_driver *)d;
}

/* --- start and stop ------------------------------------------------------------------------------ */

static bool probe(const struct exec_driver *d, struct error *err)
{
    const struct verb verb = verb_plain("no-such-verb");
    struct program_result result;
    if (!verb_call(d, &verb, &result, err))
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
    struct verb verb = verb_plain("start");
    if (config->start_timeout_ms)
        verb.timeout_ms = config->start_timeout_ms;
    struct program_result result;
    if (!verb_call(d, &verb, &result, err))
        return false;
    if (result.status != 0)
        return verb_failed(d, verb.name, &result, err);
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
    const struct verb verb = verb_plain("version");
    struct program_result result;
    if (!version[0] && verb_call(d, &verb, &result, NULL) && result.status == 0)
        program_quote(version, sizeof d->base.config.version, result.output, strcspn(result.output, "\r\n"));
}

/* Also after a start that failed half-way: only the driver knows what it left behind. */
static void take_down(struct driver *base)
{
    struct exec_driver *d = exec_of(base);
    struct verb verb = verb_plain("stop");
    struct program_result result;
    verb.interruptible = false;
    if (d->up)
        verb_call(d, &verb, &result, NULL);
    d->up = false;
    state_remove(d);
}

static bool start(struct driver *base, struct error *err)
{
    struct exec_driver *d = exec_of(base);
    if (driver_carries_raw_esp(base) && !link_may_carry_esp(err))
        return false;
    if (!d->executable[0])
        return true;
    if (!state_make(d, err) || !probe(d, err)) {
        state_remove(d);
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
    struct verb verb = verb_plain("logs");
    struct program_result result;
    verb.slot = (int)slot;
    verb.output_fd = log;
    if (log < 0 || (verb_call(d, &verb, &result, NULL) && result.status == 0))
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
    struct verb verb = verb_plain(name);
    struct program_result result;
    verb.slot = (int)slot;
    verb.argument = argument;
    if (!verb_call(d, &verb, &result, err))
        return -1;
    if (result.status != 0 && result.status != DRIVER_NO_SUCH_TRIGGER)
        verb_failed(d, name, &result, err);
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
