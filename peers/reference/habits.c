/* The habits: what the RFCs let a peer do, and no case may hold against it. */
#include "peers/reference/habits.h"
#include "peers/reference/outgoing.h"

/* --- what it is configured to ---------------------------------------------------------------------- */

static void require_cookie(struct ike_config *ike)
{
    ike->require_cookie = true;
}

static void ask_for_cookies(struct reference_peer *peer)
{
    peer->reconfigure = require_cookie;
}

static void obey_no_initial_contact(struct ike_config *ike)
{
    ike->initial_contact = false;
}

static void keep_old_ike_sas(struct reference_peer *peer)
{
    peer->reconfigure = obey_no_initial_contact;
}

static void tell_invalid_spi(struct ike_config *ike)
{
    ike->tell_invalid_spi = true;
}

static void tell_of_unknown_spis(struct reference_peer *peer)
{
    peer->reconfigure = tell_invalid_spi;
}

static void shut_window(struct ike_config *ike)
{
    ike->window = 1;
}

static void take_one_request(struct reference_peer *peer)
{
    peer->reconfigure = shut_window;
}

static void open_window(struct ike_config *ike)
{
    ike->window = 64;
}

static void take_many_requests(struct reference_peer *peer)
{
    peer->reconfigure = open_window;
}

static void cut_small(struct ike_config *ike)
{
    ike->fragment_size = 128;
}

static void send_fragments(struct reference_peer *peer)
{
    peer->reconfigure = cut_small;
}

static void be_impatient(struct ike_config *ike)
{
    ike->retransmission =
        (struct ike_retransmission){.first_us = CLOCK_MS(15), .factor_percent = 100, .tries = 200};
}

static void ask_again_soon(struct reference_peer *peer)
{
    peer->reconfigure = be_impatient;
}

static void be_plain(struct ike_config *ike)
{
    ike->fragment_size = 0;
    ike->mobike = false;
    ike->announce_replay_counter_sync = false;
}

static void extensions_not_there(struct reference_peer *peer)
{
    peer->reconfigure = be_plain;
}

static void be_silent_of_syncs(struct ike_config *ike)
{
    ike->announce_message_id_sync = ike->announce_replay_counter_sync = false;
}

static void announce_nothing(struct reference_peer *peer)
{
    peer->reconfigure = be_silent_of_syncs;
}

/* --- what it says ----------------------------------------------------------------------------------- */

static void ask_for_life(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    ike_sa_liveness(cluster_active(&peer->cluster)->host, sa, now_us, NULL);
}

static void ask_at_once(struct reference_peer *peer)
{
    peer->after_established = peer->after_sync = ask_for_life;
}

static void ask_in_turn(struct reference_peer *peer)
{
    peer->after_request = ask_for_life;
}

static void replace_ike_sa(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    ike_sa_rekey(cluster_active(&peer->cluster)->host, sa, now_us, NULL);
}

static void rekey_after_sync(struct reference_peer *peer)
{
    peer->after_sync = replace_ike_sa;
}

static void replace_child(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    uint32_t spi;
    struct ike_host *host = cluster_active(&peer->cluster)->host;
    if (ike_sa_children(host, sa, &spi, 1) > 0)
        ike_child_rekey(host, sa, spi, now_us, NULL);
}

static void rekey_child_after_sync(struct reference_peer *peer)
{
    peer->after_sync = replace_child;
}

static void rekey_child_at_once(struct reference_peer *peer)
{
    peer->after_established = replace_child;
}

static void close_session(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    ike_sa_delete(cluster_active(&peer->cluster)->host, sa, now_us, NULL);
}

static void close_after_sync(struct reference_peer *peer)
{
    peer->after_sync = close_session;
}

static void close_child(struct reference_peer *peer, uint32_t sa, int64_t now_us)
{
    uint32_t spi;
    struct ike_host *host = cluster_active(&peer->cluster)->host;
    if (ike_sa_children(host, sa, &spi, 1) > 0)
        ike_child_delete(host, sa, spi, now_us, NULL);
}

static void close_child_after_sync(struct reference_peer *peer)
{
    peer->after_sync = close_child;
}

static void close_child_in_turn(struct reference_peer *peer)
{
    peer->after_request = close_child;
}

/* Behind all the rest, so that what has a place of its own (RFC 7296 1.2) keeps it. */
static void add_words(const struct outgoing *m)
{
    enum { LARGEST = 16384, STATUS_OF_OURS = 50000 /* of the range for private use */ };
    static const uint8_t words[] = "as anyone may";
    static const struct wire_notify note = {.type = STATUS_OF_OURS,
                                            .data = {.at = words, .len = sizeof words - 1}};
    uint8_t buffer[LARGEST];
    struct writer w = writer_into(buffer, sizeof buffer);
    struct payload_writer p = payloads_into(&w);
    struct ike_payloads chain;
    bool init = m->header->exchange == EXCHANGE_IKE_SA_INIT;
    if (m->sync || !outgoing_read(m, &chain))
        return;
    for (size_t i = 0; i < chain.count; i++)
        write_payload_raw(&p, chain.list[i].type, chain.list[i].critical, chain.list[i].body);
    if (!init)
        write_payload_notify(&p, &note);
    if (init || m->header->exchange == EXCHANGE_IKE_AUTH)
        write_payload_raw(&p, PAYLOAD_VENDOR, false, octets_of(words, sizeof words - 1));
    outgoing_replace(m, &p);
}

static void say_more(struct reference_peer *peer)
{
    peer->rules.edit_outgoing = add_words;
}

static void take_higher_m2(const struct sync_view *view, const struct message_id_sync *request,
                           struct sync_outcome *out)
{
    enum { MORE = 5 };
    ike_rules_standard()->answer_sync(view, request, out);
    if (out->next_recv + MORE > UINT32_MAX)
        return;
    out->next_recv += MORE;
    out->answer.expected_recv += MORE;
}

static void answer_higher(struct reference_peer *peer)
{
    peer->rules.answer_sync = take_higher_m2;
}

/* --- its traffic ------------------------------------------------------------------------------------ */

static void answer_where_asked(struct reference_peer *peer)
{
    peer->echo_policy = ECHO_SAME;
}

static void send_dummies(struct reference_peer *peer)
{
    peer->sends_dummies = true;
}

static void pad_traffic(struct reference_peer *peer)
{
    peer->tfc_padding = 100;
}

static void take_replays(struct reference_peer *peer)
{
    peer->forgets_numbers = true;
}

/* --- the list --------------------------------------------------------------------------------------- */

#define HABIT(function, dashed, words) {.name = (dashed), .text = (words), .apply = (function)},
#define HABIT_SAID(function, dashed, words, said)                                                            \
    {.name = (dashed), .text = (words), .ini = (said), .apply = (function)},

static const struct reference_fault habits[] = {
#include "peers/reference/habits.inc"
};

const struct reference_fault *reference_habits(size_t *count)
{
    *count = sizeof habits / sizeof *habits;
    return habits;
}

const struct reference_fault *reference_habit_find(const char *name)
{
    return reference_find_among(habits, sizeof habits / sizeof *habits, name);
}
