/* Calling a verb of a driver: what it finds in its environment, and what is made of how it ends. */
#include <stdio.h>

#include "driver/driver_log.h"
#include "driver/exec_parts.h"

/* --- the environment ------------------------------------------------------------------------------ */

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

/* --- the call -------------------------------------------------------------------------------------- */

struct verb verb_plain(const char *name)
{
    return (struct verb){
        .name = name, .slot = NO_SLOT, .timeout_ms = VERB_TIMEOUT_MS, .output_fd = -1, .interruptible = true};
}

bool verb_call(const struct exec_driver *d, const struct verb *verb, struct program_result *result,
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
    bool done = program_run(&program, result, &why);
    driver_log_redact(result->complaint, sizeof result->complaint, d->base.config.psk);
    if (done)
        return true;
    return fail(err, "driver %s, %s: %s%s%s", d->executable, verb->name, why.text,
                result->complaint[0] ? "; it last said: " : "", result->complaint);
}

bool verb_failed(const struct exec_driver *d, const char *verb, const struct program_result *result,
                 struct error *err)
{
    if (result->complaint[0])
        return fail(err, "driver %s, %s: %s (exit status %d)", d->executable, verb, result->complaint,
                    result->status);
    return fail(err, "driver %s, %s: exit status %d, and nothing on standard error", d->executable, verb,
                result->status);
}
