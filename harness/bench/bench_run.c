/* `understudy run` as a whole: all cases against the reference peer in memory. Beside it the least that such
 * a run takes: as many processes as it has cases, which do the OpenSSL operations of its IKE SAs, and write
 * as many octets to files as the run left behind.
 *
 * Usage: bench_run UNDERSTUDY FOLDER (of its own, made and left) */
#include "bench/bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 9 };

extern char **environ;

/* --- the program
 * -------------------------------------------------------------------------------------------------- */

static void run_program(const char *program, const char *depth, const char *folder)
{
    const char *const words[] = {program,   "run", "--force", "--seed", "1",
                                 "--depth", depth, "--out",   folder,   NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int status;
    require(posix_spawn(&pid, program, &actions, NULL, (char *const *)words, environ) == 0, "cannot start %s",
            program);
    posix_spawn_file_actions_destroy(&actions);
    require(waitpid(pid, &status, 0) == pid && status == 0, "%s run --depth %s does not end with 0", program,
            depth);
}

/* --- what it did
 * ---------------------------------------------------------------------------------------------------- */

struct run_size {
    unsigned combinations, cases, ike_sas;
    size_t octets;
};

static size_t folder_octets; /* nftw takes no argument of ours */

static int add_octets(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)path, (void)where;
    if (type == FTW_F)
        folder_octets += (size_t)st->st_size;
    return 0;
}

static unsigned count_folders(const char *path)
{
    unsigned n = 0;
    DIR *dir = opendir(path);
    require(dir != NULL, "no folder %s", path);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static unsigned count_lines_with(const char *path, const char *text)
{
    char *line = NULL;
    size_t room = 0;
    unsigned n = 0;
    FILE *f = fopen(path, "re");
    require(f != NULL, "no file %s", path);
    while (getline(&line, &room, f) > 0)
        n += strstr(line, text) != NULL;
    free(line);
    fclose(f);
    return n;
}

static struct run_size size_of_run(const char *folder)
{
    char path[4096];
    struct run_size size;
    snprintf(path, sizeof path, "%s/journal.jsonl", folder);
    size.combinations = count_lines_with(path, "{\"event\":\"verdict\"");
    size.ike_sas = count_lines_with(path, "IKE_SA_INIT response 0 { SA");
    snprintf(path, sizeof path, "%s/cases", folder);
    size.cases = count_folders(path);
    folder_octets = 0;
    require(nftw(folder, add_octets, 16, FTW_PHYS) == 0, "cannot look through %s", folder);
    size.octets = folder_octets;
    return size;
}

/* --- the least
 * ---------------------------------------------------------------------------------------------------- */

static void write_octets(const char *path, size_t octets)
{
    static const char room[65536];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (size_t left = octets; left > 0 && fd >= 0;) {
        ssize_t done = write(fd, room, left < sizeof room ? left : sizeof room);
        require(done > 0, "cannot write %s", path);
        left -= (size_t)done;
    }
    require(fd >= 0 && close(fd) == 0, "cannot write %s", path);
}

/* One case's share, in a process of its own. */
static void least_of_case(const struct run_size *size, const char *path)
{
    static const size_t lengths[4] = {240, 240, 277, 233}; /* about those of bench_establish */
    struct bare *b = bare_new();
    for (unsigned i = 0; i < size->ike_sas / size->cases; i++)
        bare_establish(b, lengths);
    bare_free(b);
    write_octets(path, size->octets / size->cases);
    _exit(0);
}

static void run_least(const struct run_size *size, const char *folder)
{
    for (unsigned i = 0; i < size->cases; i++) {
        char path[4096];
        int status;
        snprintf(path, sizeof path, "%s/least-%u", folder, i);
        pid_t pid = fork();
        require(pid >= 0, "cannot fork");
        if (pid == 0)
            least_of_case(size, path);
        require(waitpid(pid, &status, 0) == pid && status == 0, "a process of the least failed");
        unlink(path);
    }
}

/* --------------------------------------------------------------------------------------------------------------------
 */

static void measure(const char *program, const char *folder, const char *depth)
{
    char out[4000], what[80];
    struct series run = {0}, least = {0}, per_combination = {0}, least_per_combination = {0};
    struct run_size size = {0};
    snprintf(out, sizeof out, "%s/%s", folder, depth);
    for (unsigned round = 0; round < ROUNDS; round++) {
        double begin = wall_seconds();
        run_program(program, depth, out);
        double end = wall_seconds();
        if (round == 0)
            size = size_of_run(out);
        double least_begin = wall_seconds();
        run_least(&size, folder);
        double least_end = wall_seconds();
        series_add(&run, end - begin);
        series_add(&least, least_end - least_begin);
        series_add(&per_combination, (end - begin) / size.combinations);
        series_add(&least_per_combination, (least_end - least_begin) / size.combinations);
    }
    snprintf(what, sizeof what, "understudy run, depth %s, %u combinations", depth, size.combinations);
    report_duration(&(struct figure){what, "s", "its processes, OpenSSL, octets"}, 1, &run, &least);
    report_rate(&(struct figure){"  combinations", "/s", "the same"}, &per_combination,
                &least_per_combination);
}

int main(int argc, char **argv)
{
    require(argc == 3, "usage: bench_run UNDERSTUDY FOLDER");
    mkdir(argv[2], 0700);
    measure(argv[1], argv[2], "normal");
    measure(argv[1], argv[2], "full");
    return 0;
}
