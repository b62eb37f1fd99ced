/* The state folder of a driver: a private folder in that of the run, gone when the peer is put away. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "driver/exec_parts.h"
#include "driver/run_record.h"
#include "driver/secret_file.h"

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    remove(path);
    return 0;
}

void state_remove(struct exec_driver *d)
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

bool state_make(struct exec_driver *d, struct error *err)
{
    char folder[PATH_MAX], path[PATH_MAX + 8];
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
    snprintf(path, sizeof path, "%s/psk", d->state);
    return secret_file_write(path, d->base.config.psk, err) && make_pki(d, err);
}
