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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* At depth full a run takes so long that a busy moment of the machine is in every round anyway. */
enum { ROUNDS = 9, ROUNDS_FULL = 3 };

/* --- the program
 * -------------------------------------------------------------------------------------------------- */

static void run_program(const char *program, const char *transport, const char *depth, const char *folder)
{
    const char *const words[] = {program, "run",   "--force", "--seed",      "1",       "--depth",
                                 depth,   "--out", folder,    "--transport", transport, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int status;
    require(posix_spawn(&pid, program, &actions, NULL, (char *const *)words, environ) == 0, "cannot start %s",
            program);
    posix_spawn_file_actions_destroy(&actions);
    require(waitpid(pid, &status, 0) == pid && status == 0, "%s run --depth %s over %s does not end with 0",
            program, depth, transport);
}

/* --- what it did
 * ---------------------------------------------------------------------------------------------------- */

struct run_size {
    unsigned combinations, cases, ike_sas;
    size_t octets;
    size_t lengths[4]; /* of the messages that make an IKE SA */
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
    struct two_hosts *h = two_hosts_new(1);
    establish(h);
    memcpy(size.lengths, h->lengths, sizeof size.lengths);
    two_hosts_free(h);
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

/* What falls to one of the cases, so that the sum over all of them is `all`. */
static size_t share(size_t all, const struct run_size *size, unsigned at)
{
    return all * (at + 1) / size->cases - all * at / size->cases;
}

static void least_of_case(const struct run_size *size, unsigned at, const char *path)
{
    struct bare *b = bare_new();
    for (size_t i = share(size->ike_sas, size, at); i > 0; i--)
        bare_establish(b, size->lengths);
    bare_free(b);
    write_octets(path, share(size->octets, size, at));
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
            least_of_case(size, i, path);
        require(waitpid(pid, &status, 0) == pid && status == 0, "a process of the least failed");
        unlink(path);
    }
}

/* Of all processes that were waited for, and of those that they waited for. */
static double cpu_seconds_of_children(void)
{
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

struct duration {
    double wall, cpu;
};

static struct duration now(void)
{
    return (struct duration){.wall = wall_seconds(), .cpu = cpu_seconds_of_children()};
}

struct seen {
    struct series wall, cpu, wall_per_combination, wall_per_case;
};

static void add(struct seen *seen, struct duration begin, const struct run_size *size)
{
    struct duration end = now();
    series_add(&seen->wall, end.wall - begin.wall);
    series_add(&seen->cpu, end.cpu - begin.cpu);
    series_add(&seen->wall_per_combination, (end.wall - begin.wall) / size->combinations);
    series_add(&seen->wall_per_case, (end.wall - begin.wall) / size->cases);
}

static void measure(const char *program, const char *folder, const char *depth, unsigned rounds)
{
    static const char least_of_all[] = "its processes, OpenSSL, octets";
    char out[4000], what[80];
    struct seen run = {0}, least = {0};
    snprintf(out, sizeof out, "%s/%s", folder, depth);
    run_program(program, "memory", depth, out);
    struct run_size size = size_of_run(out);
    for (unsigned round = 0; round < rounds; round++) {
        struct duration begin = now();
        run_program(program, "memory", depth, out);
        add(&run, begin, &size);
        begin = now();
        run_least(&size, folder);
        add(&least, begin, &size);
    }
    snprintf(what, sizeof what, "understudy run, depth %s, %u combinations", depth, size.combinations);
    report_duration(&(struct figure){what, "s", least_of_all}, 1, &run.wall, &least.wall);
    report_duration(&(struct figure){"  processor time", "s", least_of_all}, 1, &run.cpu, &least.cpu);
    report_rate(&(struct figure){"  combinations", "/s", least_of_all}, &run.wall_per_combination,
                &least.wall_per_combination);
    report_rate(&(struct figure){"  cases", "/s", least_of_all}, &run.wall_per_case, &least.wall_per_case);
}

/* The time of all processes that was not waited for the peer, of all their time. */
static void measure_share(const char *program, const char *folder)
{
    char out[4000], path[4100];
    snprintf(out, sizeof out, "%s/udp", folder);
    run_program(program, "udp", "quick", out);
    snprintf(path, sizeof path, "%s/result.json", out);
    json_t *result = json_load_file(path, 0, NULL);
    require(result != NULL, "no result in %s", path);
    double own = (double)json_integer_value(json_object_get(result, "own_us")) * 1e-6;
    double waited = (double)json_integer_value(json_object_get(result, "waited_us")) * 1e-6;
    json_decref(result);
    report_value(&(struct figure){"understudy run over UDP, for the suite itself", "s", "and for the peer"},
                 own, own + waited);
}

int main(int argc, char **argv)
{
    require(argc == 3, "usage: bench_run UNDERSTUDY FOLDER");
    mkdir(argv[2], 0700);
    measure(argv[1], argv[2], "normal", ROUNDS);
    measure(argv[1], argv[2], "full", ROUNDS_FULL);
    measure_share(argv[1], argv[2]);
    return 0;
}
