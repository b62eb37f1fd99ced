#include "driver/pki.h"

#include "base/clock.h"
#include "driver/driver.h"
#include "driver/pki_files.h"

#include <string.h>

#define DAY_S INT64_C(86400)

enum { VALID_DAYS = 30 };

static const char *kind_name(enum key_kind kind)
{
    return kind == KEY_KIND_RSA ? "RSA" : "ECDSA";
}

static void end_clear(struct pki_end *end)
{
    signing_key_free(end->key);
    certificate_free(end->certificate);
    *end = (struct pki_end){0};
}

void pki_clear(struct pki *pki)
{
    for (size_t i = 0; i < sizeof pki->sets / sizeof *pki->sets; i++) {
        struct pki_set *set = &pki->sets[i];
        test_ca_free(set->ca);
        certificate_free(set->anchor);
        end_clear(&set->peer);
        end_clear(&set->cluster);
        *set = (struct pki_set){0};
    }
}

bool auth_needs_certificates(enum auth_by by, enum key_kind *kind)
{
    switch (by) {
    case AUTH_BY_PSK:
        return false;
    case AUTH_BY_RSA:
    case AUTH_BY_RSA_OLD:
        *kind = KEY_KIND_RSA;
        return true;
    case AUTH_BY_ECDSA:
    case AUTH_BY_ECDSA_OLD:
        *kind = KEY_KIND_ECDSA;
        return true;
    }
    return false;
}

/* --- the test CA ---------------------------------------------------------------------------------- */

static int64_t wall_time_s(const struct pki *pki)
{
    return (pki->seeded ? VIRTUAL_EPOCH_US : clock_wall_us()) / 1000000;
}

static void begin(struct pki *pki)
{
    int64_t now_s = wall_time_s(pki);
    if (pki->begun)
        return;
    pki->begun = true;
    pki->random = pki->seeded ? random_from_seed(random_derive_seed(0, "test CA")) : random_from_system();
    /* A peer's clock may be another one. */
    pki->validity = (struct validity){now_s - DAY_S, now_s + VALID_DAYS * DAY_S};
}

/* Each thing that is made draws from a source of its own, so that it does not depend on what was made before.
 */
static struct random_source source_for(struct pki *pki, enum key_kind kind, const char *what)
{
    if (!pki->seeded)
        return pki->random;
    return random_from_seed(random_derive_seed(random_derive_seed(0, kind_name(kind)), what));
}

static struct certificate *issue(struct pki *pki, enum key_kind kind, const struct signing_key *key,
                                 uint8_t id_type, const char *id, struct error *err)
{
    uint8_t octets[PEER_TEXT];
    size_t len;
    struct random_source random = source_for(pki, kind, id);
    if (!peer_identity_octets(id_type, id, octets, sizeof octets, &len)) {
        fail(err, "identity %s: cannot be written", id);
        return NULL;
    }
    struct certificate *c =
        test_ca_issue(pki->sets[kind].ca, key, id_type, octets_of(octets, len), pki->validity, &random, err);
    if (!c)
        fail_within(err, "identity %s", id);
    return c;
}

static bool make_set(struct pki *pki, const struct peer_config *config, enum key_kind kind, struct error *err)
{
    struct pki_set *set = &pki->sets[kind];
    struct random_source ca = source_for(pki, kind, "ca"), peer = source_for(pki, kind, "peer"),
                         cluster = source_for(pki, kind, "cluster");
    if (!set->ca)
        set->ca = test_ca_new(kind, pki->validity, &ca, err);
    if (set->ca && !set->peer.key)
        set->peer.key = test_ca_key(kind, &peer, err);
    if (set->peer.key && !set->cluster.key)
        set->cluster.key = test_ca_key(kind, &cluster, err);
    if (set->cluster.key && !set->peer.certificate)
        set->peer.certificate = issue(pki, kind, set->peer.key, config->id_peer_type, config->id_peer, err);
    return set->peer.certificate || fail_within(err, "test CA, %s", kind_name(kind));
}

static bool certify_cluster(struct pki *pki, const struct peer_config *config, enum key_kind kind,
                            unsigned slot, struct error *err)
{
    struct pki_set *set = &pki->sets[kind];
    char id[PEER_TEXT];
    if (set->cluster.certificate && set->slot == slot)
        return true;
    if (!peer_config_for_slot(config->id_harness, slot, id, sizeof id))
        return fail(err, "identity %s: too long", config->id_harness);
    certificate_free(set->cluster.certificate);
    set->cluster.certificate = issue(pki, kind, set->cluster.key, config->id_harness_type, id, err);
    set->slot = slot;
    return set->cluster.certificate != NULL;
}

/* --- files of peer.ini ------------------------------------------------------------------------------ */

static bool load_files(struct pki *pki, const struct peer_config *config, enum key_kind kind, unsigned slot,
                       struct error *err)
{
    struct pki_set *set = &pki->sets[kind];
    if (set->anchor && set->slot == slot)
        return true;
    certificate_free(set->anchor);
    end_clear(&set->cluster);
    set->slot = slot;
    return pki_read_files(config, slot, &set->anchor, &set->cluster, err);
}

/* --- both ---------------------------------------------------------------------------------------- */

bool pki_prepare(struct pki *pki, const struct peer_config *config, unsigned in_play, struct error *err)
{
    begin(pki);
    for (unsigned by = 0; by < axis_values(AXIS_AUTH); by++) {
        enum key_kind kind;
        if (!(in_play & config->auth & 1u << by) || !auth_needs_certificates((enum auth_by)by, &kind))
            continue;
        if (!(config->ca_file[0] ? load_files(pki, config, kind, 0, err) : make_set(pki, config, kind, err)))
            return false;
    }
    return true;
}

/* RFC 4754: each curve has a method of its own. */
static uint8_t older_method(const struct signing_key *key)
{
    if (signing_key_kind(key) == KEY_KIND_RSA)
        return AUTH_RSA;
    unsigned bits = signing_key_bits(key);
    return bits == 256 ? AUTH_ECDSA_256 : bits == 384 ? AUTH_ECDSA_384 : AUTH_ECDSA_521;
}

static struct ike_authentication authentication_of(const struct pki *pki, enum auth_by by,
                                                   const struct pki_set *set, const struct pki_end *end)
{
    bool old = by == AUTH_BY_RSA_OLD || by == AUTH_BY_ECDSA_OLD;
    unsigned curves = IKE_AUTH_BY(AUTH_ECDSA_256) | IKE_AUTH_BY(AUTH_ECDSA_384) | IKE_AUTH_BY(AUTH_ECDSA_521);
    unsigned older = by == AUTH_BY_RSA_OLD ? IKE_AUTH_BY(AUTH_RSA) : curves;
    return (struct ike_authentication){
        .method = old ? older_method(end->key) : (uint8_t)AUTH_DIGITAL_SIGNATURE,
        .key = end->key,
        .certificate = end->certificate,
        .peer_methods = old ? older : IKE_AUTH_BY(AUTH_DIGITAL_SIGNATURE),
        .trust_anchor = set->ca ? test_ca_certificate(set->ca) : set->anchor,
        .wall_time_s = wall_time_s(pki),
    };
}

bool pki_of_cluster(struct pki *pki, const struct peer_config *config, enum auth_by by, unsigned slot,
                    struct ike_authentication *out, struct error *err)
{
    enum key_kind kind;
    *out = (struct ike_authentication){0};
    if (!auth_needs_certificates(by, &kind))
        return true;
    if (!pki_prepare(pki, config, 1u << by, err) ||
        !(config->ca_file[0] ? load_files(pki, config, kind, slot, err)
                             : certify_cluster(pki, config, kind, slot, err)))
        return false;
    *out = authentication_of(pki, by, &pki->sets[kind], &pki->sets[kind].cluster);
    return true;
}

bool pki_of_peer(struct pki *pki, const struct peer_config *config, enum auth_by by,
                 struct ike_authentication *out, struct error *err)
{
    enum key_kind kind;
    *out = (struct ike_authentication){0};
    if (!auth_needs_certificates(by, &kind))
        return true;
    if (!pki_prepare(pki, config, 1u << by, err))
        return false;
    *out = authentication_of(pki, by, &pki->sets[kind], &pki->sets[kind].peer);
    return true;
}
