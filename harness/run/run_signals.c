#include "run/run_signals.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t taken(void)
{
    sigset_t set;
    struct sigaction hangup;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    sigaction(SIGHUP, NULL, &hangup);
    if (hangup.sa_handler != SIG_IGN) /* as nohup leaves it */
        sigaddset(&set, SIGHUP);
    return set;
}

bool run_signals_begin(struct run_signals *signals, struct error *err)
{
    sigset_t set = taken();
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigprocmask(SIG_BLOCK, &set, &signals->mask_before);
    sigaction(SIGPIPE, &ignore, &signals->pipe_before);
    sigaction(SIGXFSZ, &ignore, &signals->file_size_before);
    signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return signals->fd >= 0 || fail(err, "signalfd: %s", strerror(errno));
}

void run_signals_end(struct run_signals *signals)
{
    run_signals_take(signals); /* what came is reported; it must not kill the report */
    if (signals->fd >= 0)
        close(signals->fd);
    sigaction(SIGPIPE, &signals->pipe_before, NULL);
    sigaction(SIGXFSZ, &signals->file_size_before, NULL);
    sigprocmask(SIG_SETMASK, &signals->mask_before, NULL);
    signals->fd = -1;
}

int run_signals_take(struct run_signals *signals)
{
    struct signalfd_siginfo info;
    int last = 0;
    while (signals->fd >= 0 && read(signals->fd, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD)
            last = (int)info.ssi_signo;
    return last;
}

bool run_signals_pending(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) || sigismember(&pending, SIGHUP);
}
