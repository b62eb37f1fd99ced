#include "driver/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* The parent's ends while the program runs. */
struct running {
    pid_t pid;
    int pidfd, output, errors, signals;
    struct program_result *result;
    size_t output_len;
    char tail[512]; /* of standard error */
    size_t tail_len;
};

void program_quote(char *out, size_t size, const char *text, size_t len)
{
    size_t n = len < size - 1 ? len : size - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    out[n] = '\0';
}

/* --- environment --------------------------------------------------------------------------------- */

static bool overridden(const char *entry, const struct program *program)
{
    size_t name_len = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < PROGRAM_MAX_ENV && program->env[i]; i++)
        if (strncmp(entry, program->env[i], name_len) == 0)
            return true;
    return false;
}

/* The entries are borrowed, the list is the caller's. */
static const char **environment_for(const struct program *program)
{
    size_t n = 0, at = 0;
    while (environ[n])
        n++;
    const char **list = calloc(n + PROGRAM_MAX_ENV + 1, sizeof *list);
    if (!list)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!overridden(environ[i], program))
            list[at++] = environ[i];
    for (size_t i = 0; i < PROGRAM_MAX_ENV && program->env[i]; i++)
        list[at++] = program->env[i];
    return list;
}

/* --- the child ----------------------------------------------------------------------------------- */

static void reset_signals(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ, SIGCHLD};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaction(ours[i], &plain, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* After fork: system calls only. An errno on `report` says why there is no program. */
__attribute__((noreturn)) static void become(const struct program *program, const char *const *envp,
                                             pid_t parent, int output, int errors, int report)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDONLY);
    bool ready = getppid() == parent && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
                 dup2(output, STDOUT_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0 &&
                 (program->netns_fd < 0 || setns(program->netns_fd, CLONE_NEWNET) == 0);
    if (ready) {
        fcntl(report, F_SETFD, FD_CLOEXEC);
        close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
        reset_signals();
        execve(program->argv[0], (char *const *)program->argv, (char *const *)envp);
    }
    int why = errno;
    (void)!write(report, &why, sizeof why);
    _exit(126);
}

/* --- the parent ---------------------------------------------------------------------------------- */

static void close_pipe(int pipe_fds[2])
{
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static const char *why_not(const char *path, int why)
{
    if (why == ENOEXEC)
        return "it is neither a program nor a script with a #! line";
    if (why == ENOENT && access(path, F_OK) == 0)
        return "No such file or directory: its #! line names no program";
    return strerror(why);
}

/* Forks; on success `run` holds the read ends. */
static bool launch(const struct program *program, struct running *run, struct error *err)
{
    int output[2], errors[2], report[2];
    if (pipe2(output, O_CLOEXEC) < 0)
        return fail(err, "pipe: %s", strerror(errno));
    if (pipe2(errors, O_CLOEXEC) < 0) {
        close_pipe(output);
        return fail(err, "pipe: %s", strerror(errno));
    }
    if (pipe2(report, O_CLOEXEC) < 0) {
        close_pipe(output);
        close_pipe(errors);
        return fail(err, "pipe: %s", strerror(errno));
    }
    const char **envp = environment_for(program);
    pid_t parent = getpid();
    run->pid = envp ? fork() : -1;
    if (run->pid == 0)
        become(program, envp, parent, program->output_fd >= 0 ? program->output_fd : output[1], errors[1],
               report[1]);
    int why = errno;
    free(envp);
    close(output[1]);
    close(errors[1]);
    close(report[1]);
    if (run->pid > 0) {
        setpgid(run->pid, run->pid); /* both sides set it, so that it holds whoever is first */
        if (read(report[0], &why, sizeof why) == sizeof why)
            waitpid(run->pid, NULL, 0);
        else
            why = 0;
    }
    close(report[0]);
    run->output = output[0];
    run->errors = errors[0];
    if (why == 0)
        return true;
    close(run->output);
    close(run->errors);
    return fail(err, "cannot run %s: %s", program->argv[0], why_not(program->argv[0], why));
}

static bool read_output(struct running *run)
{
    char piece[4096];
    ssize_t n = read(run->output, piece, sizeof piece);
    for (ssize_t i = 0; i < n && run->output_len < PROGRAM_OUTPUT_MAX - 1; i++)
        run->result->output[run->output_len++] = piece[i] ? piece[i] : '?';
    return n > 0;
}

/* Keeps the end of what was said. */
static bool read_errors(struct running *run)
{
    char piece[256];
    ssize_t n = read(run->errors, piece, sizeof piece);
    if (n <= 0)
        return false;
    size_t keep = sizeof run->tail - (size_t)n;
    if (run->tail_len > keep) {
        memmove(run->tail, run->tail + run->tail_len - keep, keep);
        run->tail_len = keep;
    }
    memcpy(run->tail + run->tail_len, piece, (size_t)n);
    run->tail_len += (size_t)n;
    return true;
}

static void drain(struct running *run)
{
    fcntl(run->output, F_SETFL, O_NONBLOCK);
    fcntl(run->errors, F_SETFL, O_NONBLOCK);
    /* Bounded: what was left in the background may go on writing. */
    for (int i = 0; i < 64 && read_output(run); i++)
        ;
    for (int i = 0; i < 64 && read_errors(run); i++)
        ;
}

static void last_line(struct running *run)
{
    size_t end = run->tail_len;
    while (end > 0 && strchr("\r\n \t", run->tail[end - 1]))
        end--;
    size_t begin = end;
    while (begin > 0 && run->tail[begin - 1] != '\n')
        begin--;
    program_quote(run->result->complaint, sizeof run->result->complaint, run->tail + begin, end - begin);
}

static void kill_group(struct running *run)
{
    kill(-run->pid, SIGKILL);
    waitpid(run->pid, NULL, 0);
}

/* Waits for the end of the program itself, reading along; a closed stream leaves the poll set. */
static bool attend(const struct program *program, struct running *run, struct error *err)
{
    int64_t deadline = clock_monotonic_us() + CLOCK_MS(program->timeout_ms);
    struct pollfd fds[] = {{run->pidfd, POLLIN, 0},
                           {run->signals, POLLIN, 0},
                           {run->output, POLLIN, 0},
                           {run->errors, POLLIN, 0}};
    for (;;) {
        int64_t left_us = deadline - clock_monotonic_us();
        if (left_us <= 0) {
            kill_group(run);
            return fail(err, "not done after %u ms", program->timeout_ms);
        }
        if (poll(fds, 4, (int)(left_us / 1000) + 1) < 0 && errno != EINTR) {
            kill_group(run);
            return fail(err, "poll: %s", strerror(errno));
        }
        if (fds[1].revents) {
            kill_group(run);
            return fail(err, "interrupted");
        }
        if (fds[2].revents && !read_output(run))
            fds[2].fd = -1;
        if (fds[3].revents && !read_errors(run))
            fds[3].fd = -1;
        if (fds[0].revents)
            break;
    }
    int status = 0;
    waitpid(run->pid, &status, 0);
    drain(run);
    run->result->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

bool program_run(const struct program *program, struct program_result *result, struct error *err)
{
    memset(result, 0, sizeof *result);
    struct running run = {.result = result, .signals = -1};
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    if (program->interruptible) {
        sigprocmask(SIG_BLOCK, &ends, &before);
        run.signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    bool done = launch(program, &run, err);
    if (done) {
        run.pidfd = pidfd_open(run.pid, 0);
        if (run.pidfd < 0)
            kill_group(&run);
        done = run.pidfd >= 0 ? attend(program, &run, err) : fail(err, "pidfd_open: %s", strerror(errno));
        last_line(&run);
        close(run.pidfd);
        close(run.output);
        close(run.errors);
    }
    if (program->interruptible) {
        close(run.signals);
        sigprocmask(SIG_SETMASK, &before, NULL); /* a signal that is pending arrives here */
    }
    return done;
}
