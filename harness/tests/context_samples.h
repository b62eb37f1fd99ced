/* Sessions to write contexts of: no value is like another, and none is zero. */
#ifndef TESTS_CONTEXT_SAMPLES_H
#define TESTS_CONTEXT_SAMPLES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "cluster/context.h"
#include "ike/host.h"
#include "ike/propose.h"

static const char *const suites[][2] = {
    {"aes256gcm16-prfsha256-x25519", "aes256gcm16-esn"},
    {"aes256-sha256-modp2048", "aes256-sha256-esn"},
    {"chacha20poly1305-prfsha512-ecp256", "chacha20poly1305-esn"},
    {"aes128-sha384-ecp384", "aes128gcm16-esn"},
};
static const uint8_t id_types[] = {ID_IPV4_ADDR,   ID_FQDN,        ID_RFC822_ADDR, ID_IPV6_ADDR,
                                   ID_DER_ASN1_DN, ID_DER_ASN1_GN, ID_KEY_ID,      ID_NULL};
enum { N_SUITES = sizeof suites / sizeof *suites, N_ID_TYPES = sizeof id_types };

static inline void fill(void *at, size_t len)
{
    static struct random_source random = {.seeded = true, .state = {1, 2, 3, 4}};
    random_fill(&random, at, len);
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)at)[i] |= 1; /* nowhere the zero that a field not written would have */
}

static inline void fill_keys(struct cipher_keys *keys, const struct cipher_suite *suite)
{
    struct cipher_sizes sizes;
    ck_assert(cipher_sizes_of(suite, &sizes));
    fill(keys->encr, sizes.encr_key_len);
    fill(keys->integ, sizes.integ_key_len);
}

static inline struct snapshot_id identity(uint8_t type, uint8_t len)
{
    struct snapshot_id id = {.type = type, .len = len};
    fill(id.data, len);
    return id;
}

static inline void fill_ike(struct ike_snapshot *s, const char *proposal, bool ipv6, uint8_t id_type)
{
    ck_assert(endpoint_parse(ipv6 ? "2001:db8::1" : "192.0.2.1", 4500, &s->local, NULL));
    ck_assert(endpoint_parse(ipv6 ? "2001:db8::2" : "192.0.2.2", 500, &s->remote, NULL));
    ck_assert(proposal_parse(PROTOCOL_IKE, proposal, &s->proposal, NULL));
    s->initiator = true;
    fill(s->spi_i, sizeof s->spi_i);
    fill(s->spi_r, sizeof s->spi_r);
    s->id_local = identity(id_type, 7);
    s->id_remote = identity(id_type, 255);
    s->keys.prf = proposal_prf(&s->proposal);
    ck_assert(proposal_suite(&s->proposal, &s->keys.suite));
    fill(s->keys.sk_d, prf_len(s->keys.prf));
    fill(s->keys.sk_pi, prf_len(s->keys.prf));
    fill(s->keys.sk_pr, prf_len(s->keys.prf));
    fill_keys(&s->keys.from_initiator, &s->keys.suite);
    fill_keys(&s->keys.from_responder, &s->keys.suite);
    fill(s->nonce_i, s->nonce_i_len = 16);
    fill(s->nonce_r, s->nonce_r_len = SNAPSHOT_MAX_NONCE);
    fill(s->shared, s->shared_len = CRYPTO_MAX_KE_SHARED);
    s->message_id_sync = s->replay_counter_sync = true;
    s->nat_local = s->nat_remote = s->fragmentation = s->mobike = s->eap = true;
    s->window_send = 3;
    s->window_recv = 5;
    s->next_send = UINT64_C(1) << 32;
    s->next_recv = UINT32_MAX;
    s->highest_seen = UINT32_MAX - 7;
}

static inline void fill_child(struct child_snapshot *c, const char *proposal, unsigned index)
{
    struct cipher_suite suite;
    ck_assert(proposal_parse(PROTOCOL_ESP, proposal, &c->proposal, NULL));
    ck_assert(proposal_suite(&c->proposal, &suite));
    c->proposal.number = (uint8_t)(index + 1);
    fill(c->proposal.spi, c->proposal.spi_len = 4);
    ck_assert(endpoint_parse(index % 2 ? "192.0.2.1" : "2001:db8::1", 4500, &c->local, NULL));
    ck_assert(endpoint_parse(index % 2 ? "192.0.2.2" : "2001:db8::2", 500, &c->remote, NULL));
    c->spi_in = 0x01000000 + index;
    c->spi_out = 0xfedcba98 - index;
    ck_assert(selectors_parse("10.0.0.0/8[tcp/80],2001:db8::1-2001:db8::9", &c->ts_local, NULL));
    ck_assert(selectors_parse("192.0.2.7[udp/1-65535]", &c->ts_remote, NULL));
    c->ts_remote.list[0].port_first = index ? 1 : 65535; /* OPAQUE */
    c->ts_remote.list[0].port_last = 0;
    if (index)
        c->ts_remote.list[0].port_last = 9;
    fill_keys(&c->keys_in, &suite);
    fill_keys(&c->keys_out, &suite);
    c->transport_mode = index % 2 == 0;
    c->seq_out = INT64_MAX - index;
    c->seq_in = (UINT64_C(1) << 40) + index;
    c->replay_bitmap = UINT64_MAX - index;
    c->replay_window = UINT32_MAX - index;
    c->seq_overflow = index % 2 == 0;
    c->lifetime_s = INT64_MAX - 3 - index;
    c->lifetime_bytes = INT64_MAX - 9 - index;
    c->path_mtu = 1280 + index;
}

static inline struct ike_snapshot *session(const char *const proposals[2], bool ipv6, uint8_t id_type,
                                           unsigned children)
{
    struct ike_snapshot *s = calloc(1, sizeof *s + children * sizeof s->children[0]);
    ck_assert_ptr_nonnull(s);
    fill_ike(s, proposals[0], ipv6, id_type);
    s->n_children = (uint16_t)children;
    for (unsigned i = 0; i < children; i++)
        fill_child(&s->children[i], proposals[1], i);
    return s;
}

static inline char *valid_context(void)
{
    struct ike_snapshot *s = session(suites[1], false, ID_FQDN, 2);
    s->shared_len = 32; /* shorter, as all prefixes are read */
    s->nonce_r_len = 32;
    s->id_remote.len = 9;
    char *text = context_write(s);
    ck_assert_ptr_nonnull(text);
    ike_snapshot_free(s);
    return text;
}

#endif
