#include "stage/stage_config.h"

#include <stdio.h>

#include "ike/propose.h"
#include "stage/traffic.h"

static bool read_identity(struct stage *stage, uint8_t type, const char *text, struct ike_identity *out,
                          struct error *err)
{
    uint8_t octets[PEER_TEXT];
    size_t len;
    if (!peer_identity_octets(type, text, octets, sizeof octets, &len))
        return fail(err, "identity %.100s: cannot be written", text);
    const char *kept = say(stage, "%*s", (int)len, "");
    memcpy((char *)(uintptr_t)kept, octets, len);
    *out = (struct ike_identity){type, octets_of(kept, len)};
    return true;
}

/* "cluster%n.test" is "cluster3.test" for slot 3. */
static const char *for_slot(struct stage *stage, const char *pattern)
{
    char text[2 * PEER_TEXT];
    return peer_config_for_slot(pattern, stage->options->slot, text, sizeof text) ? say(stage, "%s", text)
                                                                                  : pattern;
}

static bool read_proposals(const char (*texts)[96], unsigned n, uint8_t protocol, struct wire_proposal *out,
                           struct error *err)
{
    for (unsigned i = 0; i < n; i++)
        if (!proposal_parse(protocol, texts[i], &out[i], err))
            return fail_within(err, "proposal %s", texts[i]);
    return true;
}

/* The proposals of peer.ini that allow what the axis "esn" asks for, and nothing else of that. */
static size_t keep_esn(struct wire_proposal *list, size_t n, bool esn)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct wire_proposal p = list[i];
        uint8_t left = 0;
        bool allowed = false;
        for (uint8_t t = 0; t < p.n_transforms; t++) {
            bool other = p.transforms[t].type == TRANSFORM_ESN && (p.transforms[t].id != 0) != esn;
            allowed = allowed || (p.transforms[t].type == TRANSFORM_ESN && !other);
            if (!other)
                p.transforms[left++] = p.transforms[t];
        }
        p.n_transforms = left;
        if (allowed)
            list[kept++] = p;
    }
    return kept;
}

static bool choose_esn(struct stage *stage, bool esn, struct error *err)
{
    struct ike_config *ike = &stage->ike;
    ike->n_child_proposals = keep_esn(stage->child_proposals, ike->n_child_proposals, esn);
    return ike->n_child_proposals > 0 ||
           fail(err, "unsupported: peer.ini has no ESP proposal %s extended sequence numbers",
                esn ? "with" : "without");
}

static uint16_t encryption_of(const struct wire_proposal *p)
{
    const struct wire_transform *t = proposal_transform(p, TRANSFORM_ENCR);
    return t ? t->id : 0;
}

/* The axis "algorithms" is about ESP, too: where it can be, its encryption is that of the IKE SA. */
static size_t keep_encryption(struct wire_proposal *list, size_t n, uint16_t encryption)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (encryption_of(&list[i]) == encryption)
            list[kept++] = list[i];
    return kept ? kept : n;
}

static bool choose_algorithms(struct stage *stage, bool esn, struct error *err)
{
    const struct peer_config *config = &stage->options->driver->config;
    struct ike_config *ike = &stage->ike;
    const char *only = algorithms_ike_proposal((enum algorithms)axis_of(stage, AXIS_ALGORITHMS));
    ike->ike_proposals = stage->ike_proposals;
    ike->child_proposals = stage->child_proposals;
    ike->n_child_proposals = config->n_esp_proposals;
    ike->n_ike_proposals = 1;
    if (!proposal_parse(PROTOCOL_IKE, only, &stage->ike_proposals[0], err) ||
        !read_proposals(config->esp_proposals, config->n_esp_proposals, PROTOCOL_ESP, stage->child_proposals,
                        err) ||
        !choose_esn(stage, esn, err))
        return false;
    ike->n_child_proposals = keep_encryption(stage->child_proposals, ike->n_child_proposals,
                                             encryption_of(&stage->ike_proposals[0]));
    return true;
}

/* A Child SA is for one family, where peer.ini knows both: not every peer takes them together. */
static bool keep_family(struct ike_config *ike, uint8_t family, struct error *err)
{
    return (selectors_keep_family(&ike->local_ts, family) > 0 &&
            selectors_keep_family(&ike->remote_ts, family) > 0) ||
           fail(err, "unsupported: peer.ini has no selectors of IPv%u on both sides", family);
}

static bool choose_selectors(struct stage *stage, const struct peer_config *config, struct error *err)
{
    struct ike_config *ike = &stage->ike;
    struct endpoint guarded;
    enum mode mode = (enum mode)axis_of(stage, AXIS_MODE);
    if (mode == MODE_TRANSPORT) {
        ike->transport_mode = true;
        ike->local_ts = selectors_of_host(&stage->line.cluster_ike);
        ike->remote_ts = selectors_of_host(&stage->line.peer_ike);
        return config->transport_mode || fail(err, "unsupported: peer.ini says that the peer has no "
                                                   "transport mode: modes in [selectors] does "
                                                   "not name it");
    }
    if (!selectors_parse(for_slot(stage, config->harness_ts), &ike->local_ts, err) ||
        !selectors_parse(config->peer_ts, &ike->remote_ts, err))
        return false;
    if (mode == MODE_TUNNEL_IPV6)
        return keep_family(ike, 6, err);
    return !endpoint_parse(config->protected_address, 0, &guarded, NULL) ||
           keep_family(ike, guarded.family, err);
}

/* IKE_AUTH and CREATE_CHILD_SA are longer than that, an ordinary INFORMATIONAL is not. */
enum { SMALL_FRAGMENTS = 160 };

bool stage_configure(struct stage *stage, struct error *err)
{
    static const uint32_t windows[] = {[WINDOW_1] = 1, [WINDOW_2] = 2, [WINDOW_5] = 5};
    const struct peer_config *config = &stage->options->driver->config;
    struct ike_config *ike = &stage->ike;
    bool lossy = link_is_lossy(stage);
    int64_t response_us = CLOCK_MS(config->response_timeout_ms);
    stage->patience_us = lossy ? CLOCK_MS(30000) : response_us;
    *ike = (struct ike_config){
        .psk = octets_of_text(config->psk),
        .announce_message_id_sync = true,
        .announce_replay_counter_sync = axis_of(stage, AXIS_REPLAY_SYNC) == REPLAY_SYNC_ANNOUNCED,
        .window = windows[axis_of(stage, AXIS_WINDOW)],
        .fragment_size = axis_of(stage, AXIS_FRAGMENTATION) == FRAGMENTATION_ON ? SMALL_FRAGMENTS : 0,
        .mobike = axis_of(stage, AXIS_MOBIKE) == MOBIKE_ON,
        .initial_contact = true,
        .pretend_nat = axis_of(stage, AXIS_NAT) == NAT_SEEN ||
                       ((stage->options->test_case->needs & NEED_ESP) && !stage->options->driver->raw_esp),
        .local_natt_port = stage->line.cluster_natt.port,
        .remote_natt_port = stage->line.peer_natt.port,
        .retransmission = {.first_us = lossy ? CLOCK_MS(100) : response_us / 4,
                           .factor_percent = 150,
                           .tries = 12},
        .half_open_us = 2 * stage->patience_us,
        .extra_auth_notifies = stage->extra,
    };
    struct driver *driver = stage->options->driver;
    return pki_of_cluster(&driver->pki, config, (enum auth_by)axis_of(stage, AXIS_AUTH), stage->options->slot,
                          &ike->auth, err) &&
           read_identity(stage, config->id_harness_type, for_slot(stage, config->id_harness), &ike->local_id,
                         err) &&
           read_identity(stage, config->id_peer_type, config->id_peer, &ike->remote_id, err) &&
           choose_selectors(stage, config, err) &&
           choose_algorithms(stage, axis_of(stage, AXIS_ESN) == ESN_ON, err);
}

void cluster_uses_esn(struct stage *stage)
{
    struct error err = {0};
    if (!choose_algorithms(stage, true, &err))
        unsupported(stage, "peer.ini has no ESP proposal with extended sequence numbers");
}

void cluster_announces(struct stage *stage, bool message_id_sync, bool replay_counter_sync)
{
    stage->ike.announce_message_id_sync = message_id_sync;
    stage->ike.announce_replay_counter_sync = replay_counter_sync;
}

void cluster_window(struct stage *stage, uint32_t size)
{
    stage->ike.window = size;
}

void cluster_adds_notify(struct stage *stage, const struct wire_notify *n)
{
    if (stage->ike.n_extra_auth_notifies < sizeof stage->extra / sizeof *stage->extra)
        stage->extra[stage->ike.n_extra_auth_notifies++] = *n;
}

void cluster_adds_nothing(struct stage *stage)
{
    stage->ike.n_extra_auth_notifies = 0;
}
