#include "cli/checking.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"

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
    check_tell(
        c, TOLD_FIX,
        "ike in [proposals] allows none of those that cases are played with: add one of %s, and set it at "
        "the peer.",
        list);
}

static bool start_driver(struct checking *c)
{
    struct driver *driver = c->at.driver;
    struct error err = {0};
    check_title(c, "Driver");
    if (!driver->config.driver[0]) {
        check_tell(
            c, TOLD_NOTE,
            "there is none: nothing can make the peer initiate or send requests. `understudy run --role "
            "initiator` "
            "plays what can be played; understudy peer-template writes a driver to begin with.");
        return true;
    }
    int64_t began_us = clock_monotonic_us();
    if (!driver->ops->start(driver, &err)) {
        check_tell(c, TOLD_FIX, "the peer is not up: %s", err.text);
        c->status = EXIT_NO_RESULT;
        return false;
    }
    check_tell(c, TOLD_FINE, "a verb that it does not know ends with 127");
    check_tell(c, TOLD_FINE, "start: the peer was up after %lld ms",
               (long long)((clock_monotonic_us() - began_us) / 1000));
    if (driver->config.version[0])
        check_tell(c, TOLD_FINE, "version: %s", driver->config.version);
    else
        check_tell(c, TOLD_NOTE, "it tells no version: the report cannot say what was tested");
    return true;
}

/* --- the steps: set-up by the cluster ------------------------------------------------------------------- */

static void tell_agreement(struct checking *c, const struct checkup_session *s)
{
    char words[CHECK_WORDS];
    check_tell(c, TOLD_FINE, "IKE_SA_INIT: the peer answers, and takes %s",
               algorithms_ike_proposal((enum algorithms)c->plain.value[AXIS_ALGORITHMS]));
    check_tell(c, TOLD_FINE, "IKE_AUTH: both sides are authenticated by %s; the peer is %s",
               axis_value_name(AXIS_AUTH, c->plain.value[AXIS_AUTH]), s->peer_id[0] ? s->peer_id : "?");
    if (!s->has_child) {
        check_words_no_child(config_of(c), c->at.slot, s, words, sizeof words);
        check_tell(c, TOLD_FIX, "%s", words);
    } else if (s->narrowed)
        check_tell(c, TOLD_NOTE, "selectors: the peer narrowed them to %s on its side and %s on ours",
                   s->ts_peer, s->ts_harness);
    else
        check_tell(c, TOLD_FINE, "selectors: %s behind the peer, %s behind us", s->ts_peer, s->ts_harness);
    if (s->nat_before_us || s->nat_before_peer)
        check_tell(c, TOLD_NOTE, "there is a NAT before %s: both sides move to port %u",
                   !s->nat_before_peer ? "us"
                   : s->nat_before_us  ? "both"
                                       : "the peer",
                   config_of(c)->natt_port);
}

static bool set_up(struct checking *c, struct checkup_session *s)
{
    char words[CHECK_WORDS];
    check_title(c, "Set-up by the cluster");
    checkup_session(&c->at, &c->plain, s);
    if (s->end == CHECKUP_UP) {
        c->childless = !s->has_child;
        tell_agreement(c, s);
        return true;
    }
    check_words_failed(config_of(c), c->at.slot, &c->plain, s, words, sizeof words);
    check_tell(c, TOLD_FIX, "%s", words);
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
    check_tell(c, TOLD_FIX, "%s: %s", state, words);
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
            check_tell(c, TOLD_NOTE, "ike = %s: no case is played with it", one.ike_proposals[0]);
    }
    explicit_bzero(&one, sizeof one);
}

/* Whatever else peer.ini promises. */
static void set_up_in_other_ways(struct checking *c)
{
    const struct peer_config *config = config_of(c);
    struct checkup_session s;
    for (uint8_t a = 0; a < axis_values(AXIS_ALGORITHMS) && !check_is_ended(c); a++)
        if (a != c->plain.value[AXIS_ALGORITHMS] &&
            peer_config_has_proposal(config, algorithms_ike_proposal((enum algorithms)a)) &&
            also(c, AXIS_ALGORITHMS, a, &s))
            check_tell(c, TOLD_FINE, "it takes %s, too", algorithms_ike_proposal((enum algorithms)a));
    tell_idle_proposals(c);
    for (uint8_t by = 0; by < axis_values(AXIS_AUTH) && !check_is_ended(c); by++)
        if (by != c->plain.value[AXIS_AUTH] && config->auth & 1u << by && also(c, AXIS_AUTH, by, &s))
            check_tell(c, TOLD_FINE, "it authenticates by %s, too", axis_value_name(AXIS_AUTH, by));
    if (c->plain.value[AXIS_FAMILY] == FAMILY_IPV4 && config->ipv6.peer[0] && !check_is_ended(c) &&
        also(c, AXIS_FAMILY, FAMILY_IPV6, &s))
        check_tell(c, TOLD_FINE, "it can be reached over IPv6, too");
}

static void set_up_in_other_slots(struct checking *c)
{
    struct checkup_session s;
    unsigned fine = 0, slots = config_of(c)->slots;
    for (unsigned slot = 1; slot < slots && !check_is_ended(c); slot++) {
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
        check_tell(c, TOLD_FIX, "slot %u: %s", slot, words);
    }
    c->at.slot = 0;
    if (slots > 1 && fine == slots - 1)
        check_tell(c, TOLD_FINE, "all %u slots can be set up", slots);
}

/* --- the steps: announcements, traffic ------------------------------------------------------------------ */

static void tell_announced(struct checking *c, bool announced, const char *what, const char *otherwise)
{
    if (announced)
        check_tell(c, TOLD_FINE, "%s", what);
    else
        check_tell(c, TOLD_NOTE, "not announced: %s; %s", what, otherwise);
}

static void announcements(struct checking *c, const struct checkup_session *s)
{
    struct checkup_session with;
    check_title(c, "Announced by the peer, as responder");
    tell_announced(c, s->message_id_sync, "message ID sync (RFC 6311, IKEV2_MESSAGE_ID_SYNC_SUPPORTED)",
                   "cases of it are UNSUPPORTED in this role");
    tell_announced(c, s->replay_counter_sync,
                   "replay counter sync (RFC 6311, IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED)",
                   "cases of it are UNSUPPORTED in this role");
    if (s->malformed[0])
        check_tell(c, TOLD_NOTE, "malformed: %s; a run judges that", s->malformed);
    if (s->window > 1)
        check_tell(c, TOLD_FINE, "a window of %u requests", s->window);
    else
        check_tell(c, TOLD_NOTE, "a window of one request: cases that need more are UNSUPPORTED");
    if (!check_is_ended(c) && also(c, AXIS_FRAGMENTATION, FRAGMENTATION_ON, &with))
        tell_announced(c, with.fragmentation, "fragmentation (RFC 7383)", "its states are UNSUPPORTED");
    if (!check_is_ended(c) && also(c, AXIS_MOBIKE, MOBIKE_ON, &with))
        tell_announced(c, with.mobike, "MOBIKE (RFC 4555)", "its states are UNSUPPORTED");
}

static void traffic(struct checking *c)
{
    const struct peer_config *config = config_of(c);
    struct checkup_traffic t;
    char words[CHECK_WORDS];
    check_title(c, "Traffic through ESP");
    if (!config->protected_address[0] || !config->behind_address[0]) {
        check_tell(
            c, TOLD_NOTE,
            "protected and behind are not in [address]: there is nothing to send probes to, and cases with "
            "ESP are "
            "UNSUPPORTED.");
        return;
    }
    checkup_traffic(&c->at, &c->plain, &t);
    if (t.session.end != CHECKUP_UP) {
        check_words_failed(config, c->at.slot, &c->plain, &t.session, words, sizeof words);
        check_tell(c, TOLD_FIX, "behind a NAT, as ESP in UDP needs it: %s", words);
    } else if (!t.session.has_child) {
        check_words_no_child(config, c->at.slot, &t.session, words, sizeof words);
        check_tell(c, TOLD_FIX, "behind a NAT, as ESP in UDP needs it: %s", words);
    } else if (!t.possible)
        check_tell(c, TOLD_FIX, "no probe could be sent: %s", t.session.why);
    else if (t.answered)
        check_tell(c, TOLD_FINE, "an echo of %s came back through ESP", config->protected_address);
    else {
        check_words_no_echo(config, c->at.slot, &t, words, sizeof words);
        check_tell(c, TOLD_FIX, "%s", words);
    }
}

/* --- the steps: what the driver can do ------------------------------------------------------------------ */

static void tell_verb(struct checking *c, const struct checkup_verb *v)
{
    if (!v->tried)
        check_tell(c, TOLD_NOTE, "%s: not tried, there was no IKE SA or no Child SA for it", v->name);
    else if (v->status == DRIVER_NO_SUCH_TRIGGER)
        check_tell(c, TOLD_NOTE, "%s: the driver has none (127); cases that need it are UNSUPPORTED",
                   v->name);
    else if (v->status != 0)
        check_tell(c, TOLD_FIX, "%s: %s", v->name, v->why);
    else if (v->seen)
        check_tell(c, TOLD_FINE, "%s: %s", v->name, v->does);
    else
        check_tell(
            c, TOLD_FIX,
            "%s: the driver ended with 0, but in %u ms the peer did not what it is for (%s). A trigger that "
            "does "
            "nothing must not say that it did.",
            v->name, config_of(c)->response_timeout_ms, v->does);
}

static void tell_plain_verb(struct checking *c, const char *verb, const char *without)
{
    struct error err = {0};
    int status = check_is_ended(c) ? 0 : c->at.driver->ops->trigger(c->at.driver, 0, verb, NULL, &err);
    if (status == 0)
        check_tell(c, TOLD_FINE, "%s", verb);
    else if (status == DRIVER_NO_SUCH_TRIGGER)
        check_tell(c, TOLD_NOTE, "%s: the driver has none (127); %s", verb, without);
    else
        check_tell(c, TOLD_FIX, "%s: %s", verb, err.text);
}

static void triggers(struct checking *c)
{
    const struct combination combination = {.value = {[AXIS_ROLE] = ROLE_RESPONDER}};
    struct checkup_verbs v;
    char words[CHECK_WORDS];
    check_title(c, "Set-up by the peer, and its triggers");
    checkup_verbs(&c->at, &v);
    struct combination at = c->plain;
    at.value[AXIS_ROLE] = combination.value[AXIS_ROLE];
    if (v.session.end == CHECKUP_NO_TRIGGER)
        check_tell(c, TOLD_NOTE, "initiate: the driver has none (127); the cluster is always the initiator");
    else if (v.session.end != CHECKUP_UP) {
        check_words_failed(config_of(c), 0, &at, &v.session, words, sizeof words);
        check_tell(c, TOLD_FIX, "initiate: %s", words);
    } else if (!v.session.has_child) {
        check_words_no_child(config_of(c), 0, &v.session, words, sizeof words);
        check_tell(c, TOLD_FIX, "initiate: %s", words);
    } else
        check_tell(c, TOLD_FINE, "initiate: the peer sets up IKE SA and Child SA, and announces %s",
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

/* --- all of them ---------------------------------------------------------------------------------- */

void check_steps(struct checking *c)
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
    if (config_of(c)->driver[0] && !check_is_ended(c))
        triggers(c);
}
