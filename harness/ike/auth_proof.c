/* How the ends of an IKE SA prove who they are (RFC 7296 2.15, 3.6, 3.7, RFC 4754, RFC 7427). */
#include "base/reader.h"
#include "crypto/names.h"
#include "ike/sa.h"

enum { MAX_CHAIN = 4 };

static uint8_t own_method(const struct ike_config *config)
{
    return config->auth.method != 0 ? config->auth.method : AUTH_PSK;
}

static unsigned peer_methods(const struct ike_config *config)
{
    return config->auth.peer_methods != 0 ? config->auth.peer_methods : IKE_AUTH_BY(AUTH_PSK);
}

static bool wants_certificate(const struct ike_config *config)
{
    return (peer_methods(config) & ~IKE_AUTH_BY(AUTH_PSK)) != 0;
}

static bool knows_digital_signatures(const struct ike_config *config)
{
    return own_method(config) == AUTH_DIGITAL_SIGNATURE ||
           (peer_methods(config) & IKE_AUTH_BY(AUTH_DIGITAL_SIGNATURE)) != 0;
}

/* --- what IKE_SA_INIT says about it ------------------------------------------------------------------ */

/* RFC 7427 4 */
void auth_write_hashes(const struct ike_host *host, struct payload_writer *p)
{
    uint8_t numbers[8];
    struct writer w = writer_into(numbers, sizeof numbers);
    if (!knows_digital_signatures(host->config))
        return;
    for (uint16_t number = SIGNATURE_SHA1; number <= SIGNATURE_SHA2_512; number++)
        if (AUTH_HASHES & AUTH_HASH(number))
            write_u16(&w, number);
    const struct wire_notify n = {.type = NOTIFY_SIGNATURE_HASH_ALGORITHMS, .data = writer_octets(&w)};
    write_payload_notify(p, &n);
}

void auth_read_hashes(struct ike_sa *sa, const struct ike_payloads *payloads)
{
    const struct wire_notify *n = ike_find_notify(payloads, NOTIFY_SIGNATURE_HASH_ALGORITHMS);
    struct reader r = reader_over(n != NULL ? n->data : (struct octets){0});
    uint16_t number;
    sa->handshake->peer_hashes = 0;
    while (read_u16(&r, &number))
        if (number <= SIGNATURE_SHA2_512)
            sa->handshake->peer_hashes |= AUTH_HASH(number);
}

/* RFC 7296 3.7: which CA's certificates this end can check. */
void auth_write_certificate_request(const struct ike_host *host, struct payload_writer *p)
{
    uint8_t id[CERTIFICATE_ID_LEN];
    if (!wants_certificate(host->config))
        return;
    certificate_key_id(host->config->auth.trust_anchor, id);
    write_payload_cert(p, PAYLOAD_CERTREQ, CERT_X509_SIGNATURE, octets_of(id, sizeof id));
}

/* --- own proof ----------------------------------------------------------------------------------- */

void auth_write_certificate(const struct ike_host *host, struct payload_writer *p)
{
    if (own_method(host->config) != AUTH_PSK)
        write_payload_cert(p, PAYLOAD_CERT, CERT_X509_SIGNATURE,
                           certificate_der(host->config->auth.certificate));
}

/* What the initiator or the responder, whoever it is here, has to sign; `id` is the body of its ID payload.
 */
static struct auth_input input_of(const struct ike_sa *sa, bool initiator, struct octets id)
{
    const struct handshake *h = sa->handshake;
    return (struct auth_input){
        .prf = sa->keys.prf,
        .message = blob_octets(initiator ? &h->init_request : &h->init_response),
        .nonce = blob_octets(initiator ? &sa->nonce_r : &sa->nonce_i),
        .sk_p = octets_of(initiator ? sa->keys.sk_pi : sa->keys.sk_pr, prf_len(sa->keys.prf)),
        .id = id,
    };
}

static bool by_psk(const struct ike_config *config, const struct auth_input *in, uint8_t *out,
                   struct error *err)
{
    return auth_by_psk(in->prf, config->psk, in->message, in->nonce, in->sk_p, in->id, out, err);
}

bool auth_sign(struct ike_sa *sa, struct auth_proof *out, struct error *err)
{
    const struct ike_config *config = sa->host->config;
    uint8_t id[4 + SNAPSHOT_MAX_ID];
    struct writer w = writer_into(id, sizeof id);
    write_u8(&w, config->local_id.type);
    write_zeros(&w, 3);
    write_bytes(&w, config->local_id.data);
    if (w.full)
        return fail(err, "the local identity is longer than %d octets", SNAPSHOT_MAX_ID);

    const struct auth_input input = input_of(sa, sa->initiator, writer_octets(&w));
    out->method = own_method(config);
    if (out->method != AUTH_PSK)
        return auth_by_signature(out->method, config->auth.key, sa->handshake->peer_hashes, &input,
                                 &out->data, err);
    out->data.len = prf_len(sa->keys.prf);
    return by_psk(config, &input, out->data.octets, err);
}

void auth_write_proof(struct payload_writer *p, const struct auth_proof *proof)
{
    write_payload_auth(p, proof->method, octets_of(proof->data.octets, proof->data.len));
}

/* --- the peer's ---------------------------------------------------------------------------------- */

bool auth_is_identity(const struct ike_identity *expected, const struct ike_payload *id)
{
    if (expected->type != id->id.id_type)
        return false;
    return expected->type == ID_DER_ASN1_DN ? distinguished_name_equal(expected->data, id->id.data)
                                            : octets_equal(expected->data, id->id.data);
}

/* RFC 7296 3.6: the first certificate is that of the key which signed; the others lead to the CA. */
static size_t read_chain(const struct ike_payloads *payloads, struct certificate *chain[MAX_CHAIN],
                         struct error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < payloads->count && n < MAX_CHAIN; i++) {
        const struct ike_payload *p = &payloads->list[i];
        if (p->type != PAYLOAD_CERT || p->cert.encoding != CERT_X509_SIGNATURE)
            continue;
        chain[n] = certificate_read(p->cert.data, err);
        if (chain[n] != NULL)
            n++;
        else if (n == 0)
            return 0;
    }
    if (n == 0)
        fail(err, "the peer sent no certificate");
    return n;
}

static bool verify_signature(const struct ike_config *config, const struct ike_payloads *payloads,
                             const struct ike_payload *id, const struct ike_payload *auth,
                             const struct auth_input *input, struct error *err)
{
    struct certificate *chain[MAX_CHAIN];
    size_t n = read_chain(payloads, chain, err);
    bool ok = n > 0 &&
              certificate_is_trusted(chain[0], (const struct certificate *const *)&chain[1], n - 1,
                                     config->auth.trust_anchor, config->auth.wall_time_s, err) &&
              certificate_names(chain[0], id->id.id_type, id->id.data, err) &&
              auth_check_signature(auth->auth.method, chain[0], input, auth->auth.data, err);
    for (size_t i = 0; i < n; i++)
        certificate_free(chain[i]);
    return ok;
}

static bool verify_psk(const struct ike_config *config, const struct ike_payload *auth,
                       const struct auth_input *input, struct error *err)
{
    uint8_t expected[CRYPTO_MAX_PRF_LEN];
    size_t len = prf_len(input->prf);
    if (!by_psk(config, input, expected, err))
        return false;
    bool same = auth->auth.data.len == len && crypto_equal(auth->auth.data.at, expected, len);
    crypto_wipe(expected, sizeof expected);
    return same || fail(err, "the peer's AUTH is wrong");
}

bool auth_verify(struct ike_sa *sa, const struct ike_payloads *payloads, struct error *err)
{
    const struct ike_config *config = sa->host->config;
    const struct ike_payload *id = ike_find(payloads, sa->initiator ? PAYLOAD_IDR : PAYLOAD_IDI);
    const struct ike_payload *auth = ike_find(payloads, PAYLOAD_AUTH);
    if (id == NULL || auth == NULL)
        return fail(err, "no identity, or no AUTH");
    uint8_t method = auth->auth.method;
    if (method >= IKE_AUTH_METHODS_MAX || !(peer_methods(config) & IKE_AUTH_BY(method)))
        return fail(err, "the peer authenticates by method %u, which is not accepted", method);
    if (id->id.data.len > SNAPSHOT_MAX_ID ||
        (config->remote_id.type != 0 && !auth_is_identity(&config->remote_id, id)))
        return fail(err, "the peer has another identity than the configured one");

    const struct auth_input input = input_of(sa, !sa->initiator, id->body);
    bool ok = method == AUTH_PSK ? verify_psk(config, auth, &input, err)
                                 : verify_signature(config, payloads, id, auth, &input, err);
    if (!ok)
        return false;
    sa->remote_id_type = id->id.id_type;
    return blob_set(&sa->remote_id, id->id.data) || fail(err, "out of memory");
}
