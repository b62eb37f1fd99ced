#include "cli/peers_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool peers_folder(char path[PATH_MAX], struct error *err)
{
    static const char *const places[] = {"/../peers", "/../../peers", "/../share/understudy/peers"};
    char folder[PATH_MAX], at[PATH_MAX];
    const char *own = getenv("UNDERSTUDY_PEERS");
    if (own)
        return realpath(own, path) || fail(err, "UNDERSTUDY_PEERS: %s: %s", own, strerror(errno));
    ssize_t len = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (len < 0)
        return fail(err, "/proc/self/exe: %s", strerror(errno));
    folder[len] = '\0';
    *strrchr(folder, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (snprintf(at, sizeof at, "%s%s", folder, places[i]) < (int)sizeof at && realpath(at, path))
            return true;
    return fail(err, "the folder peers/ is not near %s; UNDERSTUDY_PEERS can say where it is", folder);
}

static bool has_peer_ini(const char *folder, const char *name, struct stat *status)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s/peer.ini", folder, name);
    return stat(path, status) == 0;
}

/* "libreswan, openiked, ..." */
static void list_peers(const char *folder, char *out, size_t size)
{
    struct dirent **entries;
    struct stat ignored;
    size_t len = 0;
    int n = scandir(folder, &entries, NULL, alphasort);
    out[0] = '\0';
    for (int i = 0; i < n; i++) {
        if (len < size && has_peer_ini(folder, entries[i]->d_name, &ignored))
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

static bool nothing_has(const char *given, const char *folder, const struct error *why, struct error *err)
{
    char known[200];
    if (!folder)
        return fail(err, "there is no peer \"%s\": no file or folder here, and of peers/ none: %s", given,
                    why->text);
    list_peers(folder, known, sizeof known);
    return fail(err, "there is no peer \"%s\": no file or folder here, and %s has %s", given, folder,
                known[0] ? known : "no peer at all");
}

bool peers_find(const char *given, char path[PATH_MAX], struct error *err)
{
    char folder[PATH_MAX];
    struct error why;
    struct stat here, there;
    bool is_path = strchr(given, '/') != NULL;
    bool found = !is_path && peers_folder(folder, &why);
    bool named = found && has_peer_ini(folder, given, &there);
    if (!named && !is_path && access(given, F_OK) < 0)
        return nothing_has(given, found ? folder : NULL, &why, err);
    if (named && has_peer_ini(".", given, &here) &&
        (here.st_ino != there.st_ino || here.st_dev != there.st_dev))
        return fail(
            err,
            "\"%s\" is a folder here, and a peer of %s: write ./%s for the one, or the path of the other",
            given, folder, given);
    int len =
        named ? snprintf(path, PATH_MAX, "%s/%s", folder, given) : snprintf(path, PATH_MAX, "%s", given);
    return len < PATH_MAX || fail(err, "%.100s...: the name is too long", given);
}
