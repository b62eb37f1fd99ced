#include "peers/reference/peer.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/data_path.h"
#include "ike/propose.h"
#include "peers/reference/echo.h"
#include "peers/reference/habits.h"
#include "peers/reference/log.h"
#include "peers/reference/variants.h"
#include "wire/natt.h"

const char *reference_peer_ini(void)
{
    return "[peer]\n"
           "name = reference\n"
           "slots = 32\n"
           "esp = udp, raw\n"
           "idle_ms = 100\n"
           "[address]\n"
           "peer = 192.0.2.2\n"
           "harness = 203.0.113.1%n\n"
           "peer6 = 2001:db8::2\n"
           "harness6 = 2001:db8:1::1%n\n"
           "protected = 198.51.100.2\n"
           "behind = 198.51.100.1\n"
           "protected6 = 2001:db8:2::2\n"
           "behind6 = 2001:db8:2::1\n"
           "[identity]\n"
           "peer = fqdn:peer.reference.test\n"
           "harness = fqdn:cluster.reference.test\n"
           "auth = psk, rsa, ecdsa, rsa-old, ecdsa-old\n"
           "psk = the key of the built-in reference peer, no secret\n"
           "[proposals]\n"
           "ike = aes256gcm16-prfsha256-x25519, aes256-sha256-x25519, aes256gcm16-prfsha256-ecp256, "
           "aes256-sha256-modp2048, chacha20poly1305-prfsha256-x25519\n"
           "esp = aes256gcm16, aes256-sha256, aes256gcm16-esn, aes256-sha256-esn, chacha20poly1305, "
           "chacha20poly1305-esn\n"
           "[selectors]\n"
           "peer = 198.51.100.2/32, 2001:db8:2::2/128\n"
           "harness = 198.51.100.1/32, 2001:db8:2::1/128\n"
           "modes = tunnel, transport\n";
}

/* --- setting up ---------------------------------------------------------------------------------- */

static bool read_identity(uint8_t type, const char *text, uint8_t kept[PEER_TEXT], struct ike_identity *out,
                          struct error *err)
{
    size_t len;
    if (!peer_identity_octets(type, text, kept, PEER_TEXT, &len))
        return fail(err, "identity %.100s: cannot be written", text);
    *out = (struct ike_identity){type, octets_of(kept, len)};
    return true;
}

/* Transport mode is for the ends themselves. */
static bool choose_selectors(struct ike_config *ike, const struct reference_setup *setup, struct error *err)
{
    if (!setup->transport_mode)
        return selectors_parse(setup->config->peer_ts, &ike->local_ts, err) &&
               selectors_parse(setup->config->harness_ts, &ike->remote_ts, err);
    ike->local_ts = selectors_of_host(&setup->local_ike);
    ike->remote_ts = selectors_of_host(&setup->remote_ike);
    return true;
}

static bool configure(struct reference_peer *peer, const struct reference_setup *setup, struct error *err)
{
    const struct peer_config *c = setup->config;
    struct ike_config *ike = &peer->ike;
    *ike = (struct ike_config){
        .psk = octets_of_text(c->psk),
        .auth = setup->auth,
        .ike_proposals = peer->ike_proposals,
        .n_ike_proposals = c->n_ike_proposals,
        .child_proposals = peer->child_proposals,
        .n_child_proposals = c->n_esp_proposals,
        .announce_message_id_sync = true,
        .announce_replay_counter_sync = true,
        .window = 5,
        .fragment_size = REFERENCE_FRAGMENT_SIZE,
        .mobike = setup->mobike,
        .transport_mode = setup->transport_mode,
        .sync_before_asking = true,
        .initial_contact = true,
        .local_natt_port = setup->local_natt_port,
        .remote_natt_port = setup->remote_natt_port,
        .retransmission = {.first_us = CLOCK_MS(300), .factor_percent = 140, .tries = 12},
        .half_open_us = CLOCK_MS(60000),
    };
    for (unsigned i = 0; i < c->n_ike_proposals; i++)
        if (!proposal_parse(PROTOCOL_IKE, c->ike_proposals[i], &peer->ike_proposals[i], err))
            return false;
    for (unsigned i = 0; i < c->n_esp_proposals; i++)
        if (!proposal_parse(PROTOCOL_ESP, c->esp_proposals[i], &peer->child_proposals[i], err))
            return false;
    if (peer->reconfigure)
        peer->reconfigure(ike);
    return read_identity(c->id_peer_type, c->id_peer, peer->local_id, &ike->local_id, err) &&
           read_identity(c->id_harness_type, c->id_harness, peer->remote_id, &ike->remote_id, err) &&
           choose_selectors(ike, setup, err);
}

static bool form_cluster(struct reference_peer *peer, struct error *err)
{
    if (!cluster_init(&peer->cluster, &peer->ike, &peer->rules, &peer->random, REFERENCE_MEMBERS, err))
        return false;
    peer->cluster.shares_m1 = !peer->keeps_m1_to_itself;
    peer->cluster.sync_patience_us = REFERENCE_SYNC_PATIENCE_US;
    cluster_keep_spis_apart(&peer->cluster);
    peer->cluster.replay_margin = REFERENCE_REPLAY_MARGIN;
    return true;
}

static bool carry_traffic(struct reference_peer *peer, struct error *err)
{
    if (!cluster_carry_traffic(&peer->cluster, peer->raw_esp, err))
        return false;
    peer->cluster.traffic_margin = peer->goes_on_below ? 0 : REFERENCE_REPLAY_MARGIN; /* RPL-2 */
    if (peer->jump)
        peer->cluster.jump = peer->jump;
    return true;
}

/* ALT-1: beside RFC 6311 it follows a RESET_MESSAGE_ID, and says so. */
static void know_reset(struct reference_peer *peer)
{
    static const struct wire_notify supported = {.type = NOTIFY_RESET_MESSAGE_ID_SUPPORTED};
    peer->ike.extra_auth_notifies = &supported;
    peer->ike.n_extra_auth_notifies = 1;
    peer->reset_rules = *ike_rules_standard();
    speak_reset(&peer->reset_rules);
    peer->rules.variant = &peer->reset_rules;
}

struct reference_peer *reference_peer_new(const struct reference_setup *setup, struct error *err)
{
    struct reference_peer *peer = calloc(1, sizeof *peer);
    if (!peer) {
        fail(err, "out of memory");
        return NULL;
    }
    peer->rules = *ike_rules_standard();
    peer->local = setup->local_ike;
    peer->remote = setup->remote_ike;
    peer->log = setup->log;
    peer->raw_esp = setup->raw_esp;
    peer->random =
        setup->seeded ? random_from_seed(random_derive_seed(setup->seed, "peer")) : random_from_system();
    peer->first_random = peer->random;
    if (setup->fault)
        setup->fault->apply(peer);
    if (configure(peer, setup, err)) {
        know_reset(peer);
        if (form_cluster(peer, err) && carry_traffic(peer, err))
            return peer;
    }
    free(peer);
    return NULL;
}

void reference_peer_free(struct reference_peer *peer)
{
    if (!peer)
        return;
    cluster_clear(&peer->cluster);
    datagram_clear(&peer->last_answer);
    datagram_clear(&peer->last_input);
    datagram_clear(&peer->own_words);
    reference_echo_clear(peer);
    habit_clear(peer);
    free(peer);
}

bool reference_peer_resume(struct reference_peer *peer, const struct ike_snapshot *session, uint64_t seed,
                           struct error *err)
{
    bool keeps_contexts = peer->cluster.keeps_contexts;
    cluster_clear(&peer->cluster);
    datagram_clear(&peer->last_answer);
    peer->dead = false;
    peer->random = peer->first_random = random_from_seed(random_derive_seed(seed, "peer"));
    if (!form_cluster(peer, err))
        return false;
    peer->cluster.keeps_contexts = keeps_contexts;
    return cluster_resume(&peer->cluster, session, err);
}

/* --- triggers ------------------------------------------------------------------------------------ */

static int pulled(bool worked)
{
    return worked ? 0 : 1;
}

static int initiate(struct reference_peer *peer, struct member *m, int64_t now_us, struct error *err)
{
    if (!peer->remote.family)
        return pulled(fail(err, "it was not told where to initiate to"));
    return pulled(ike_host_connect(m->host, &peer->local, &peer->remote, now_us, err) != 0);
}

static int liveness(struct reference_peer *peer, struct member *m, int64_t now_us, struct error *err)
{
    (void)peer;
    return pulled(ike_sa_liveness(m->host, m->sa, now_us, err) != 0);
}

static int rekey_ike(struct reference_peer *peer, struct member *m, int64_t now_us, struct error *err)
{
    (void)peer;
    return pulled(ike_sa_rekey(m->host, m->sa, now_us, err) != 0);
}

static int rekey_child(struct reference_peer *peer, struct member *m, int64_t now_us, struct error *err)
{
    uint32_t spi;
    (void)peer;
    if (ike_sa_children(m->host, m->sa, &spi, 1) == 0)
        return pulled(fail(err, "there is no Child SA to rekey"));
    return pulled(ike_child_rekey(m->host, m->sa, spi, now_us, err) != 0);
}

static int delete_child(struct reference_peer *peer, struct member *m, int64_t now_us, struct error *err)
{
    uint32_t spi;
    (void)peer;
    if (ike_sa_children(m->host, m->sa, &spi, 1) == 0)
        return pulled(fail(err, "there is no Child SA to delete"));
    return pulled(ike_child_delete(m->host, m->sa, spi, now_us, err) != 0);
}

static int add_child(struct reference_peer *peer, struct member *m, int64_t now_us, struct error *err)
{
    if (peer->choose_spi)
        peer->choose_spi(m);
    int status = pulled(ike_child_create(m->host, m->sa, now_us, err) != 0);
    if (peer->choose_spi)
        ike_host_allocate_spis(m->host, 0, 0);
    return status;
}

static int delete_sa(struct reference_peer *peer, struct member *m, int64_t now_us, struct error *err)
{
    (void)peer;
    return m->sa ? pulled(ike_sa_delete(m->host, m->sa, now_us, err) != 0) : 0;
}

static int fail_over(struct reference_peer *peer, struct member *m, int64_t now_us, struct error *err)
{
    (void)m;
    peer->dead = peer->dies_of_failover;
    if (peer->dead)
        return 0;
    peer->deaf_to_rekeys = peer->deaf_to_rekeys || peer->new_member_is_deaf;
    return cluster_fail_over(&peer->cluster, now_us, err) ? reference_peer_took_over(peer, now_us, err) : 1;
}

int reference_peer_trigger(struct reference_peer *peer, const char *verb, const char *argument,
                           int64_t now_us, struct error *err)
{
    static const struct {
        const char *verb;
        int (*pull)(struct reference_peer *, struct member *, int64_t, struct error *);
        bool creates; /* by CREATE_CHILD_SA */
    } triggers[] = {
        {"initiate", initiate, false},  {"liveness", liveness, false},
        {"rekey-ike", rekey_ike, true}, {"rekey-child", rekey_child, true},
        {"add-child", add_child, true}, {"delete", delete_sa, false},
        {"failover", fail_over, false}, {"delete-child", delete_child, false},
    };
    peer->now_us = now_us;
    for (size_t i = 0; i < sizeof triggers / sizeof *triggers; i++) {
        if (strcmp(verb, triggers[i].verb) != 0)
            continue;
        if (peer->begins_nothing && triggers[i].creates)
            return 0;
        int status = triggers[i].pull(peer, cluster_active(&peer->cluster), now_us, err);
        cluster_publish(&peer->cluster, now_us);
        return status;
    }
    return reference_peer_cluster_trigger(peer, verb, argument, now_us, err);
}

/* --- traffic and time ---------------------------------------------------------------------------- */

/* Which IKE SA is the session is told by events; nobody else reads them here. A second IKE SA that the other
 * side sets up beside the session is not the session, unless it came with INITIAL_CONTACT. */
static void stay_with_session(struct reference_peer *peer, uint32_t session, const struct ike_event *e)
{
    struct member *m = cluster_active(&peer->cluster);
    struct ike_sa_info before, now;
    if (e->kind == IKE_EVENT_ESTABLISHED && !e->replaces && session && session != m->sa &&
        ike_sa_info(m->host, session, &before) && before.established && ike_sa_info(m->host, e->sa, &now) &&
        !now.initiator && (!now.initial_contact || peer->stays_with_old_session))
        m->sa = session;
}

static void follow(struct reference_peer *peer, int64_t now_us)
{
    struct ike_event e;
    for (uint32_t session = cluster_active(&peer->cluster)->sa; cluster_event(&peer->cluster, &e);
         session = cluster_active(&peer->cluster)->sa) {
        stay_with_session(peer, session, &e);
        if (peer->after_child && (e.kind == IKE_EVENT_CHILD_UP || e.kind == IKE_EVENT_CHILD_DOWN))
            peer->after_child(peer, &e, now_us);
        if (peer->after_drop && e.kind == IKE_EVENT_DROPPED)
            peer->after_drop(peer, &e);
        if (peer->on_event)
            peer->on_event(peer->on_event_state, &e);
        if (peer->after_established && e.kind == IKE_EVENT_ESTABLISHED)
            peer->after_established(peer, e.sa, now_us);
        if (peer->after_request && e.kind == IKE_EVENT_REQUEST)
            peer->after_request(peer, e.sa, now_us);
        if (peer->after_sync && e.kind == IKE_EVENT_SYNC_ANSWERED)
            peer->after_sync(peer, e.sa, now_us);
        if (e.kind == IKE_EVENT_ESTABLISHED && !e.replaces)
            peer->deaf_to_rekeys = peer->deaf_to_syncs = peer->begins_nothing = false;
        if (e.kind == IKE_EVENT_DROPPED && e.sa && e.message_id == 0 && peer->deaf_after_stale_sync)
            peer->deaf_to_syncs = true;
        if (e.kind == IKE_EVENT_SYNC_ANSWERED && peer->deaf_after_sync)
            peer->deaf_to_rekeys = true;
        if (e.kind == IKE_EVENT_SYNC_ANSWERED && peer->begins_nothing_after_sync)
            peer->begins_nothing = true;
        crypto_wipe(&e.keys, sizeof e.keys);
        reference_log_event(peer->log, now_us, cluster_active(&peer->cluster)->name, &e);
    }
    if (peer->every_us && !peer->next_us)
        habit_tick(peer, now_us);
    if (!peer->stays_to_the_end)
        reference_echo_replace_worn_out(peer, now_us);
    cluster_publish(&peer->cluster, now_us);
}

static bool read_header(const struct datagram *d, struct ike_header *out)
{
    return ike_read_header(skip_non_esp_marker(datagram_octets(d)), out, NULL);
}

static enum sync_verdict judge_in_company(const struct sync_view *view, const struct message_id_sync *request)
{
    struct sync_view alone = *view;
    alone.extra_payload = false;
    return ike_rules_standard()->judge_sync(&alone, request);
}

/* Lets the second of two equal datagrams through what the first one was dropped for. */
static void follow_copy(struct reference_peer *peer, const struct datagram *d)
{
    bool again = octets_equal(datagram_octets(d), datagram_octets(&peer->last_input));
    struct ike_header h;
    peer->rules.judge_sync = again ? judge_in_company : ike_rules_standard()->judge_sync;
    if (!read_header(d, &h) || h.message_id != 0)
        return;
    datagram_clear(&peer->last_input);
    (void)datagram_copy(&peer->last_input, d);
}

static uint32_t spi_of(const struct datagram *esp)
{
    uint32_t spi = 0, seq_low;
    return esp_read_header(datagram_octets(esp), &spi, &seq_low) ? spi : 0;
}

void reference_peer_input(struct reference_peer *peer, const struct datagram *d, int64_t now_us)
{
    struct ike_header h;
    peer->now_us = now_us;
    if (peer->dead)
        return;
    if (reference_echo(peer, d)) {
        if (peer->after_esp)
            peer->after_esp(peer, spi_of(d), now_us);
        follow(peer, now_us); /* its counters are worth an update */
        return;
    }
    if (peer->deaf_to_syncs && read_header(d, &h) && h.exchange == EXCHANGE_INFORMATIONAL &&
        h.message_id == 0 && !ike_is_response(&h))
        return;
    if (peer->deaf_to_rekeys && read_header(d, &h) && h.exchange == EXCHANGE_CREATE_CHILD_SA &&
        !ike_is_response(&h))
        return;
    if (peer->repeats_ivs && read_header(d, &h) && h.exchange == EXCHANGE_INFORMATIONAL)
        peer->random = peer->first_random;
    if (peer->follows_copies)
        follow_copy(peer, d);
    cluster_input(&peer->cluster, d, now_us);
    follow(peer, now_us);
}

void reference_peer_tick(struct reference_peer *peer, int64_t now_us)
{
    peer->now_us = now_us;
    if (peer->dead)
        return;
    cluster_tick(&peer->cluster, now_us);
    habit_tick(peer, now_us);
    follow(peer, now_us);
}

int64_t reference_peer_deadline(const struct reference_peer *peer)
{
    return peer->dead ? CLOCK_NEVER : clock_earlier(cluster_deadline(&peer->cluster), habit_deadline(peer));
}

/* The answer to a copy of an ordinary request, which is the one before, octet for octet, is sealed again. */
static void seal_again(struct reference_peer *peer, struct datagram *d)
{
    const struct member *m = cluster_active(&peer->cluster);
    struct ike_header h;
    struct ike_sa_info info;
    struct datagram fresh;
    if (!read_header(d, &h) || !ike_is_response(&h) || h.exchange != EXCHANGE_INFORMATIONAL ||
        h.message_id == 0)
        return;
    bool again = octets_equal(datagram_octets(d), datagram_octets(&peer->last_answer));
    datagram_clear(&peer->last_answer);
    (void)datagram_copy(&peer->last_answer, d);
    if (!again || !ike_sa_info(m->host, m->sa, &info) || memcmp(info.spi_i, h.spi_i, IKE_SPI_LEN) != 0 ||
        !ike_sa_seal(m->host, m->sa, &h, PAYLOAD_NONE, octets_of(NULL, 0), &fresh, NULL))
        return;
    datagram_clear(d);
    *d = fresh;
}

/* With the marker that belongs to the port, so that a cluster that listens there could read it. */
static void turn_to_other_port(const struct reference_peer *peer, struct datagram *d)
{
    struct ike_header h;
    uint8_t room[4096];
    bool marked = has_non_esp_marker(datagram_octets(d));
    if (!read_header(d, &h) || !ike_is_response(&h) || h.exchange != EXCHANGE_CREATE_CHILD_SA ||
        d->len > sizeof room - NON_ESP_MARKER_LEN)
        return;
    struct writer w = writer_into(room, sizeof room);
    if (!marked)
        write_zeros(&w, NON_ESP_MARKER_LEN);
    write_bytes(&w, skip_non_esp_marker(datagram_octets(d)));
    struct endpoint to = d->to, from = d->from;
    to.port = marked ? peer->remote.port : peer->ike.remote_natt_port;
    struct datagram turned;
    if (!datagram_make(&turned, &from, &to, writer_octets(&w)))
        return;
    datagram_clear(d);
    *d = turned;
}

/* Beside a right answer, so that nothing else is broken: it once more, of an IKE SA that is none. */
static void repeat_with_other_spi(struct reference_peer *peer, const struct datagram *d)
{
    struct ike_header h;
    if (!read_header(d, &h) || !ike_is_response(&h) || h.exchange != EXCHANGE_CREATE_CHILD_SA ||
        peer->own_words.len > 0 || !datagram_copy(&peer->own_words, d))
        return;
    size_t spis = d->len - h.length;
    bool began = (h.flags & IKE_FLAG_INITIATOR) != 0;
    peer->own_words.octets[spis + (began ? 0 : IKE_SPI_LEN)] ^= 0xff;
}

static bool put_out(struct reference_peer *peer, struct datagram *out)
{
    if (peer->own_words.len > 0) {
        *out = peer->own_words;
        peer->own_words = (struct datagram){0};
        return true;
    }
    if (peer->dead)
        return false;
    if (!cluster_output(&peer->cluster, out))
        return reference_echo_output(peer, out);
    if (peer->answers_copies_anew)
        seal_again(peer, out);
    if (peer->takes_other_port)
        turn_to_other_port(peer, out);
    if (peer->changes_its_spi)
        repeat_with_other_spi(peer, out);
    return true;
}

bool reference_peer_output(struct reference_peer *peer, struct datagram *out)
{
    while (put_out(peer, out))
        if (!habit_delays(peer, out))
            return true;
    return !peer->dead && habit_releases(peer, out);
}
