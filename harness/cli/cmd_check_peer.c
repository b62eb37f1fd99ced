#include "cli/cli.h"

#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/check_words.h"
#include "driver/driver_exec.h"
#include "run/runner.h"

enum { LINE_WIDTH = 100, TEXT_COLUMN = 8 };

/* --- what is printed ------------------------------------------------------------------------------- */

enum told { TOLD_FINE, TOLD_NOTE, TOLD_FIX };

struct checking {
    struct checkup at;
    struct combination plain; /* what is known to be possible */
    unsigned to_fix, notes;
    bool childless; /* the plain session has no Child SA: one thing to fix, not one in each session */
    bool unheard;   /* nothing ever came */
    int status;     /* when the check cannot go on; 0 */
    char folder[4096];
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    ended = number;
}

static void print_wrapped(const char *text)
{
    int column = TEXT_COLUMN;
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (column > TEXT_COLUMN && column + 1 + len > LINE_WIDTH) {
            printf("\n%*s", TEXT_COLUMN, "");
            column = TEXT_COLUMN;
        } else if (column > TEXT_COLUMN) {
            putchar(' ');
            column++;
        }
        printf("%.*s", len, text);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void tell(struct checking *c, enum told told, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(struct checking *c, enum told told, const char *format, ...)
{
    static const char *const words[] = {[TOLD_FINE] = "fine", [TOLD_NOTE] = "note", [TOLD_FIX] = "FIX"};
    char text[CHECK_WORDS + 256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (ended) /* what was cut short says nothing of the peer */
        return;
    c->to_fix += told == TOLD_FIX;
    c->notes += told == TOLD_NOTE;
    printf("  %-*s", TEXT_COLUMN - 2, words[told]);
    print_wrapped(text);
    fflush(stdout);
}

static void title(const char *text)
{
    if (!ended)
        printf("%s\n", text);
}

static const struct peer_config *config_of(const struct checking *c)
{
    return &c->at.driver->config;
}

/* --- the steps: configuration and driver -------------------------------------------------------------- */

/* The first IKE proposal of the suite's that peer.ini allows. */
static bool choose_plain(struct checking *c)
{
    const struct peer_config *config = config_of(c);
    bool psk = !config->auth || config->auth & 1u << AUTH_BY_PSK;
    for (unsigned a = 0; a < axis_values(AXIS_ALGORITHMS); a++)
        if (peer_config_has_proposal(config, algorithms_ike_proposal((enum algorithms)a))) {
            c->plain.value[AXIS_ALGORITHMS] = (uint8_t)a;
            c->plain.value[AXIS_FAMILY] = config->ipv4.peer[0] ? FAMILY_IPV4 : FAMILY_IPV6;
            for (uint8_t by = 0; !psk && by < axis_values(AXIS_AUTH); by++)
                if (config->auth & 1u << by && !c->plain.value[AXIS_AUTH])
                    c->plain.value[AXIS_AUTH] = by;
            return true;
        }
    return false;
}

static void tell_proposals_of_the_suite(struct checking *c)
{
    char list[512];
    size_t len = 0;
    for (unsigned a = 0; a < axis_values(AXIS_ALGORITHMS) && len < sizeof list; a++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", a ? ", " : "",
                                algorithms_ike_proposal((enum algorithms)a));
    tell(c, TOLD_FIX,
         "ike in [proposals] allows none of those that cases are played with: add one of %s, and set it at "
         "the peer.",
         list);
}

static bool start_driver(struct checking *c)
{
    struct driver *driver = c->at.driver;
    struct error err = {0};
    title("Driver");
    if (!driver->config.driver[0]) {
        tell(c, TOLD_NOTE,
             "there is none: nothing can make the peer initiate or send requests. `understudy run --role "
             "initiator` "
             "plays what can be played; understudy peer-template writes a driver to begin with.");
        return true;
    }
    int64_t began_us = clock_monotonic_us();
    if (!driver->ops->start(driver, &err)) {
        tell(c, TOLD_FIX, "the peer is not up: %s", err.text);
        c->status = EXIT_NO_RESULT;
        return false;
    }
    tell(c, TOLD_FINE, "a verb that it does not know ends with 127");
    tell(c, TOLD_FINE, "start: the peer was up after %lld ms",
         (long long)((clock_monotonic_us() - began_us) / 1000));
    if (driver->config.version[0])
        tell(c, TOLD_FINE, "version: %s", driver->config.version);
    else
        tell(c, TOLD_NOTE, "it tells no version: the report cannot say what was tested");
    return true;
}

/* --- the steps: set-up by the cluster ------------------------------------------------------------------- */

static void tell_agreement(struct checking *c, const struct checkup_session *s)
{
    char words[CHECK_WORDS];
    tell(c, TOLD_FINE, "IKE_SA_INIT: the peer answers, and takes %s",
         algorithms_ike_proposal((enum algorithms)c->plain.value[AXIS_ALGORITHMS]));
    tell(c, TOLD_FINE, "IKE_AUTH: both sides are authenticated by %s; the peer is %s",
         axis_value_name(AXIS_AUTH, c->plain.value[AXIS_AUTH]), s->peer_id[0] ? s->peer_id : "?");
    if (!s->has_child) {
        check_words_no_child(config_of(c), c->at.slot, s, words, sizeof words);
        tell(c, TOLD_FIX, "%s", words);
    } else if (s->narrowed)
        tell(c, TOLD_NOTE, "selectors: the peer narrowed them to %s on its side and %s on ours", s->ts_peer,
             s->ts_harness);
    else
        tell(c, TOLD_FINE, "selectors: %s behind the peer, %s behind us", s->ts_peer, s->ts_harness);
    if (s->nat_before_us || s->nat_before_peer)
        tell(c, TOLD_NOTE, "there is a NAT before %s: both sides move to port %u",
             !s->nat_before_peer ? "us"
             : s->nat_before_us  ? "both"
                                 : "the peer",
             config_of(c)->natt_port);
}

static bool set_up(struct checking *c, struct checkup_session *s)
{
    char words[CHECK_WORDS];
    title("Set-up by the cluster");
    checkup_session(&c->at, &c->plain, s);
    if (s->end == CHECKUP_UP) {
        c->childless = !s->has_child;
        tell_agreement(c, s);
        return true;
    }
    check_words_failed(config_of(c), c->at.slot, &c->plain, s, words, sizeof words);
    tell(c, TOLD_FIX, "%s", words);
    c->unheard = s->end == CHECKUP_NOTHING_CAME;
    if (s->end == CHECKUP_IMPOSSIBLE)
        c->status = EXIT_USAGE;
    return false;
}

/* One more session in another state; what it should agree on beside is looked at by the caller. */
static bool also(struct checking *c, enum axis axis, uint8_t value, struct checkup_session *s)
{
    char words[CHECK_WORDS], state[256];
    struct combination combination = c->plain;
    combination.value[axis] = value;
    checkup_session(&c->at, &combination, s);
    snprintf(state, sizeof state, "%s=%s", axis_name(axis), axis_value_name(axis, value));
    if (s->end != CHECKUP_UP)
        check_words_failed(config_of(c), c->at.slot, &combination, s, words, sizeof words);
    else if (!s->has_child && !c->childless)
        check_words_no_child(config_of(c), c->at.slot, s, words, sizeof words);
    else
        return true;
    tell(c, TOLD_FIX, "%s: %s", state, words);
    return false;
}

/* Proposals of peer.ini that no case is played with. */
static void tell_idle_proposals(struct checking *c)
{
    struct peer_config one = *config_of(c);
    one.n_ike_proposals = 1;
    for (unsigned i = 0; i < config_of(c)->n_ike_proposals; i++) {
        bool used = false;
        memmove(one.ike_proposals[0], config_of(c)->ike_proposals[i], sizeof one.ike_proposals[0]);
        for (unsigned a = 0; a < axis_values(AXIS_ALGORITHMS); a++)
            used = used || peer_config_has_proposal(&one, algorithms_ike_proposal((enum algorithms)a));
        if (!used)
            tell(c, TOLD_NOTE, "ike = %s: no case is played with it", one.ike_proposals[0]);
    }
    explicit_bzero(&one, sizeof one);
}

/* Whatever else peer.ini promises. */
static void set_up_in_other_ways(struct checking *c)
{
    const struct peer_config *config = config_of(c);
    struct checkup_session s;
    for (uint8_t a = 0; a < axis_values(AXIS_ALGORITHMS) && !ended; a++)
        if (a != c->plain.value[AXIS_ALGORITHMS] &&
            peer_config_has_proposal(config, algorithms_ike_proposal((enum algorithms)a)) &&
            also(c, AXIS_ALGORITHMS, a, &s))
            tell(c, TOLD_FINE, "it takes %s, too", algorithms_ike_proposal((enum algorithms)a));
    tell_idle_proposals(c);
    for (uint8_t by = 0; by < axis_values(AXIS_AUTH) && !ended; by++)
        if (by != c->plain.value[AXIS_AUTH] && config->auth & 1u << by && also(c, AXIS_AUTH, by, &s))
            tell(c, TOLD_FINE, "it authenticates by %s, too", axis_value_name(AXIS_AUTH, by));
    if (c->plain.value[AXIS_FAMILY] == FAMILY_IPV4 && config->ipv6.peer[0] && !ended &&
        also(c, AXIS_FAMILY, FAMILY_IPV6, &s))
        tell(c, TOLD_FINE, "it can be reached over IPv6, too");
}

static void set_up_in_other_slots(struct checking *c)
{
    struct checkup_session s;
    unsigned fine = 0, slots = config_of(c)->slots;
    for (unsigned slot = 1; slot < slots && !ended; slot++) {
        char words[CHECK_WORDS];
        c->at.slot = slot;
        checkup_session(&c->at, &c->plain, &s);
        if (s.end != CHECKUP_UP)
            check_words_failed(config_of(c), slot, &c->plain, &s, words, sizeof words);
        else if (!s.has_child && !c->childless)
            check_words_no_child(config_of(c), slot, &s, words, sizeof words);
        else {
            fine++;
            continue;
        }
        tell(c, TOLD_FIX, "slot %u: %s", slot, words);
    }
    c->at.slot = 0;
    if (slots > 1 && fine == slots - 1)
        tell(c, TOLD_FINE, "all %u slots can be set up", slots);
}

/* --- the steps: announcements, traffic ------------------------------------------------------------------ */

static void tell_announced(struct checking *c, bool announced, const char *what, const char *otherwise)
{
    if (announced)
        tell(c, TOLD_FINE, "%s", what);
    else
        tell(c, TOLD_NOTE, "not announced: %s; %s", what, otherwise);
}

static void announcements(struct checking *c, const struct checkup_session *s)
{
    struct checkup_session with;
    title("Announced by the peer, as responder");
    tell_announced(c, s->message_id_sync, "message ID sync (RFC 6311, IKEV2_MESSAGE_ID_SYNC_SUPPORTED)",
                   "cases of it are UNSUPPORTED in this role");
    tell_announced(c, s->replay_counter_sync,
                   "replay counter sync (RFC 6311, IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED)",
                   "cases of it are UNSUPPORTED in this role");
    if (s->malformed[0])
        tell(c, TOLD_NOTE, "malformed: %s; a run judges that", s->malformed);
    if (s->window > 1)
        tell(c, TOLD_FINE, "a window of %u requests", s->window);
    else
        tell(c, TOLD_NOTE, "a window of one request: cases that need more are UNSUPPORTED");
    if (!ended && also(c, AXIS_FRAGMENTATION, FRAGMENTATION_ON, &with))
        tell_announced(c, with.fragmentation, "fragmentation (RFC 7383)", "its states are UNSUPPORTED");
    if (!ended && also(c, AXIS_MOBIKE, MOBIKE_ON, &with))
        tell_announced(c, with.mobike, "MOBIKE (RFC 4555)", "its states are UNSUPPORTED");
}

static void traffic(struct checking *c)
{
    const struct peer_config *config = config_of(c);
    struct checkup_traffic t;
    char words[CHECK_WORDS];
    title("Traffic through ESP");
    if (!config->protected_address[0] || !config->behind_address[0]) {
        tell(c, TOLD_NOTE,
             "protected and behind are not in [address]: there is nothing to send probes to, and cases with "
             "ESP are "
             "UNSUPPORTED.");
        return;
    }
    checkup_traffic(&c->at, &c->plain, &t);
    if (t.session.end != CHECKUP_UP) {
        check_words_failed(config, c->at.slot, &c->plain, &t.session, words, sizeof words);
        tell(c, TOLD_FIX, "behind a NAT, as ESP in UDP needs it: %s", words);
    } else if (!t.session.has_child) {
        check_words_no_child(config, c->at.slot, &t.session, words, sizeof words);
        tell(c, TOLD_FIX, "behind a NAT, as ESP in UDP needs it: %s", words);
    } else if (!t.possible)
        tell(c, TOLD_FIX, "no probe could be sent: %s", t.session.why);
    else if (t.answered)
        tell(c, TOLD_FINE, "an echo of %s came back through ESP", config->protected_address);
    else {
        check_words_no_echo(config, c->at.slot, &t, words, sizeof words);
        tell(c, TOLD_FIX, "%s", words);
    }
}

/* --- the steps: what the driver can do -------------------------------------------------------------------
 */

static void tell_verb(struct checking *c, const struct checkup_verb *v)
{
    if (!v->tried)
        tell(c, TOLD_NOTE, "%s: not tried, there was no IKE SA or no Child SA for it", v->name);
    else if (v->status == DRIVER_NO_SUCH_TRIGGER)
        tell(c, TOLD_NOTE, "%s: the driver has none (127); cases that need it are UNSUPPORTED", v->name);
    else if (v->status != 0)
        tell(c, TOLD_FIX, "%s: %s", v->name, v->why);
    else if (v->seen)
        tell(c, TOLD_FINE, "%s: %s", v->name, v->does);
    else
        tell(c, TOLD_FIX,
             "%s: the driver ended with 0, but in %u ms the peer did not what it is for (%s). A trigger that "
             "does "
             "nothing must not say that it did.",
             v->name, config_of(c)->response_timeout_ms, v->does);
}

static void tell_plain_verb(struct checking *c, const char *verb, const char *without)
{
    struct error err = {0};
    int status = ended ? 0 : c->at.driver->ops->trigger(c->at.driver, 0, verb, NULL, &err);
    if (status == 0)
        tell(c, TOLD_FINE, "%s", verb);
    else if (status == DRIVER_NO_SUCH_TRIGGER)
        tell(c, TOLD_NOTE, "%s: the driver has none (127); %s", verb, without);
    else
        tell(c, TOLD_FIX, "%s: %s", verb, err.text);
}

static void triggers(struct checking *c)
{
    const struct combination combination = {.value = {[AXIS_ROLE] = ROLE_RESPONDER}};
    struct checkup_verbs v;
    char words[CHECK_WORDS];
    title("Set-up by the peer, and its triggers");
    checkup_verbs(&c->at, &v);
    struct combination at = c->plain;
    at.value[AXIS_ROLE] = combination.value[AXIS_ROLE];
    if (v.session.end == CHECKUP_NO_TRIGGER)
        tell(c, TOLD_NOTE, "initiate: the driver has none (127); the cluster is always the initiator");
    else if (v.session.end != CHECKUP_UP) {
        check_words_failed(config_of(c), 0, &at, &v.session, words, sizeof words);
        tell(c, TOLD_FIX, "initiate: %s", words);
    } else if (!v.session.has_child) {
        check_words_no_child(config_of(c), 0, &v.session, words, sizeof words);
        tell(c, TOLD_FIX, "initiate: %s", words);
    } else
        tell(c, TOLD_FINE, "initiate: the peer sets up IKE SA and Child SA, and announces %s",
             v.session.message_id_sync && v.session.replay_counter_sync
                 ? "message ID sync and replay counter sync"
             : v.session.message_id_sync     ? "message ID sync"
             : v.session.replay_counter_sync ? "replay counter sync"
                                             : "no sync of RFC 6311");
    for (unsigned i = 0; i < v.count; i++)
        tell_verb(c, &v.list[i]);
    tell_plain_verb(c, "status", "people cannot ask for it");
    tell_plain_verb(c, "logs", "no peer.log is kept beside the packets of a case");
}

/* --- from one end to the other ---------------------------------------------------------------------------
 */

static void go_through(struct checking *c)
{
    struct checkup_session s;
    if (!start_driver(c))
        return;
    if (!choose_plain(c)) {
        tell_proposals_of_the_suite(c);
        c->status = EXIT_USAGE;
        return;
    }
    if (!set_up(c, &s) && (c->status || c->unheard || !config_of(c)->driver[0]))
        return;
    if (s.end == CHECKUP_UP) {
        set_up_in_other_ways(c);
        set_up_in_other_slots(c);
        announcements(c, &s);
        if (s.has_child)
            traffic(c);
    }
    if (config_of(c)->driver[0] && !ended)
        triggers(c);
}

static int conclude(struct checking *c, const char *kept)
{
    if (ended) {
        fflush(stdout);
        fprintf(stderr, "interrupted\n");
        return 128 + ended;
    }
    if (c->unheard && !c->status)
        c->status = EXIT_NO_RESULT;
    if (c->to_fix)
        printf("%u thing%s to fix\n", c->to_fix, c->to_fix == 1 ? "" : "s");
    else
        printf("ready: nothing to fix, %u note%s\n", c->notes, c->notes == 1 ? "" : "s");
    if (kept && c->at.packets)
        printf("packets: WIRESHARK_CONFIG_DIR=%s tshark -r %s/wire.pcap -Y isakmp\n", kept, kept);
    return c->status ? c->status : c->to_fix ? EXIT_DEVIATES : EXIT_CONFORMS;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static bool make_folder(struct checking *c, const char *wanted, struct error *err)
{
    const char *base = getenv("TMPDIR");
    if (wanted) {
        snprintf(c->folder, sizeof c->folder, "%s", wanted);
        return mkdir(wanted, 0700) == 0 || fail(err, "cannot make folder %s: %s%s", wanted, strerror(errno),
                                                errno == EEXIST ? "; choose another" : "");
    }
    snprintf(c->folder, sizeof c->folder, "%s/understudy-XXXXXX", base && base[0] ? base : "/tmp");
    return mkdtemp(c->folder) ||
           fail(err, "cannot make a folder in %s: %s", base ? base : "/tmp", strerror(errno));
}

static int check(const char *path, const char *wanted)
{
    struct checking c = {0};
    struct peer_config config;
    struct error err = {0};
    const struct sigaction action = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    if (!peer_config_read(path, &config, &err) || !make_folder(&c, wanted, &err)) {
        fprintf(stderr, "understudy check-peer: %s\n", err.text);
        return EXIT_USAGE;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    c.at = (struct checkup){.folder = c.folder, .ended = &ended};
    c.at.driver = driver_exec_new(&config, c.folder, &err);
    int status = EXIT_USAGE;
    if (c.at.driver) {
        title("Configuration");
        tell(&c, TOLD_FINE, "%s: %s", path, config.name);
        go_through(&c);
        driver_exec_free(c.at.driver);
        status = conclude(&c, wanted);
    } else
        fprintf(stderr, "understudy check-peer: %s\n", err.text);
    if (!wanted)
        nftw(c.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}

enum { OPT_OUT = 1 };

static const struct cli_option options[] = {
    {"out", OPT_OUT, "FOLDER", "keep the packets there, with their keys"},
    {0},
};

static int check_peer(const struct cli_command *command, int argc, char **argv)
{
    const char *value, *wanted = NULL;
    int key, status;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END) {
        if (key == CLI_STOP)
            return status;
        wanted = value;
    }
    if (optind + 1 != argc)
        return cli_usage_error(command, "check-peer takes one peer.ini, or the folder of one");
    return check(argv[optind], wanted);
}

const struct cli_command command_check_peer = {
    .name = "check-peer",
    .arguments = "FOLDER|FILE",
    .summary = "tries a peer.ini step by step, and says what to fix",
    .options = options,
    .notes =
        "Exit status: 0 ready, 1 something is to be fixed, 2 wrong usage or configuration, 3 the peer is\n"
        "not up.",
    .run = check_peer,
};
