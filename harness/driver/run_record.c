#include "driver/run_record.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder above UNDERSTUDY_RECORDS. */
static bool records_folder(char folder[PATH_MAX])
{
    const char *lab = getenv("UNDERSTUDY_RECORDS");
    const char *end = lab ? strrchr(lab, '/') : NULL;
    if (!lab || end == lab)
        return snprintf(folder, PATH_MAX, "/run/understudy") > 0;
    return end && snprintf(folder, PATH_MAX, "%.*s", (int)(end - lab), lab) < PATH_MAX;
}

static bool path_of(const char *run, char path[PATH_MAX])
{
    char folder[PATH_MAX];
    return records_folder(folder) && snprintf(path, PATH_MAX, "%s/%s", folder, run) < PATH_MAX;
}

/* In clock ticks since the machine began; 0: not to be read. */
static unsigned long long own_start(void)
{
    char stat[1024] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return 0;
    bool whole = fgets(stat, sizeof stat, file);
    fclose(file);
    const char *at = whole ? strrchr(stat, ')') : NULL; /* the name before it may hold anything */
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

/* Whole, or not there: who reads it beside us must not take a run that begins for one that was killed. Names
 * with a dot are passed over. */
void run_record_write(const char *run, const char *folder)
{
    char path[PATH_MAX], above[PATH_MAX], fresh[PATH_MAX], name[NAME_MAX + 1];
    if (geteuid() != 0 || !records_folder(above) || !path_of(run, path) ||
        snprintf(name, sizeof name, ".%s", run) >= (int)sizeof name || !path_of(name, fresh))
        return;
    mkdir(above, 0700);
    FILE *file = fopen(fresh, "we");
    if (!file)
        return;
    bool written = fprintf(file, "%d %llu\n%s\n", (int)getpid(), own_start(), folder) > 0;
    written = fclose(file) == 0 && written;
    if (!written || rename(fresh, path) < 0)
        unlink(fresh);
}

void run_record_remove(const char *run)
{
    char path[PATH_MAX];
    if (geteuid() == 0 && path_of(run, path))
        unlink(path);
}
