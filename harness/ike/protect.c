#include "ike/protect.h"

#include <stdlib.h>

#include "base/reader.h"

static bool sizes_of(const struct cipher_suite *suite, struct cipher_sizes *out, struct error *err)
{
    if (!cipher_sizes_of(suite, out))
        return fail(err, "SK: no cipher for encryption %u (%u bits) with integrity %u", suite->encr,
                    suite->encr_key_bits, suite->integ);
    return true;
}

/* Padding and its length octet fill up the last block (RFC 7296 3.14); an AEAD has blocks of one. */
static size_t pad_len_for(size_t inner_len, size_t block_len)
{
    return (block_len - (inner_len + 1) % block_len) % block_len;
}

bool ike_seal(const struct cipher_suite *suite, const struct cipher_keys *keys,
              const struct ike_header *header, uint8_t first, struct octets inner,
              struct random_source *random, struct writer *out, struct error *err)
{
    struct cipher_sizes sizes;
    if (!sizes_of(suite, &sizes, err))
        return false;

    size_t pad_len = pad_len_for(inner.len, sizes.block_len);
    size_t text_len = inner.len + pad_len + 1;
    size_t sk_len = IKE_PAYLOAD_HEADER_LEN + sizes.iv_len + text_len + sizes.icv_len;
    size_t total = IKE_HEADER_LEN + sk_len;
    if (total > IKE_MAX_MESSAGE || out->full || total > out->capacity - out->len)
        return fail(err, "SK: no room for a message of %zu octets", total);

    struct ike_header sealed = *header;
    sealed.next_payload = PAYLOAD_SK;
    sealed.length = (uint32_t)total;

    size_t start = out->len;
    write_ike_header(out, &sealed);
    write_u8(out, first);
    write_u8(out, 0);
    write_u16(out, (uint16_t)sk_len);
    struct octets aad = octets_of(out->at + start, out->len - start);

    uint8_t *iv = out->at + out->len;
    write_zeros(out, sizes.iv_len);
    random_fill(random, iv, sizes.iv_len);

    uint8_t *text = out->at + out->len;
    write_bytes(out, inner);
    write_zeros(out, pad_len);
    write_u8(out, (uint8_t)pad_len);

    uint8_t *icv = out->at + out->len;
    write_zeros(out, sizes.icv_len);
    if (!cipher_seal(suite, keys, aad, iv, text, text_len, icv, err)) {
        out->len = start;
        return fail_within(err, "SK");
    }
    return true;
}

/* Where SK lies in a message. */
struct sk_place {
    uint8_t inner_first;
    struct octets before; /* all up to and with its generic header: the associated data of an AEAD */
    struct octets body;
};

/* Walks the generic headers only: payloads before SK are for others to judge. SK must be the last payload,
 * since its next payload field speaks of what is inside (RFC 7296 3.14). */
static bool find_sk(uint8_t type, struct octets message, struct sk_place *out, struct error *err)
{
    struct reader r = reader_over(message);
    read_skip(&r, IKE_HEADER_LEN);
    while (type != PAYLOAD_NONE) {
        uint8_t next, flags;
        uint16_t len;
        size_t offset = message.len - r.left;
        if (!read_u8(&r, &next) || !read_u8(&r, &flags) || !read_u16(&r, &len))
            return fail(err, "payload %u at offset %zu: header cut short", type, offset);
        if (len < IKE_PAYLOAD_HEADER_LEN || !read_view(&r, len - IKE_PAYLOAD_HEADER_LEN, &out->body))
            return fail(err, "payload %u at offset %zu: length %u, but %zu octets are left", type, offset,
                        len, message.len - offset);
        if (type == PAYLOAD_SK) {
            out->inner_first = next;
            out->before = octets_of(message.at, offset + IKE_PAYLOAD_HEADER_LEN);
            return r.left == 0 || fail(err, "SK: %zu octets behind it", r.left);
        }
        type = next;
    }
    return fail(err, "no SK payload");
}

static struct ike_opened *open_sk(const struct cipher_suite *suite, const struct cipher_keys *keys,
                                  const struct sk_place *sk, struct error *err)
{
    struct cipher_sizes sizes;
    if (!sizes_of(suite, &sizes, err))
        return NULL;
    if (sk->body.len < sizes.iv_len + sizes.block_len + sizes.icv_len) {
        fail(err, "SK: %zu octets are too few for IV, text and ICV", sk->body.len);
        return NULL;
    }
    size_t text_len = sk->body.len - sizes.iv_len - sizes.icv_len;
    if (text_len % sizes.block_len != 0) {
        fail(err, "SK: %zu octets of text are not whole blocks of %zu", text_len, sizes.block_len);
        return NULL;
    }

    struct ike_opened *opened = calloc(1, sizeof *opened + text_len);
    if (opened == NULL) {
        fail(err, "SK: out of memory");
        return NULL;
    }
    const uint8_t *iv = sk->body.at;
    memcpy(opened->plain, iv + sizes.iv_len, text_len);
    if (!cipher_open(suite, keys, sk->before, iv, opened->plain, text_len, iv + sizes.iv_len + text_len,
                     err)) {
        fail_within(err, "SK");
        free(opened);
        return NULL;
    }
    size_t pad_len = opened->plain[text_len - 1];
    if (pad_len + 1 > text_len) {
        fail(err, "SK: pad length %zu in %zu octets of text", pad_len, text_len);
        free(opened);
        return NULL;
    }
    opened->first = sk->inner_first;
    opened->inner = octets_of(opened->plain, text_len - 1 - pad_len);
    return opened;
}

struct ike_opened *ike_open(const struct cipher_suite *suite, const struct cipher_keys *keys,
                            struct octets message, struct error *err)
{
    struct ike_header header;
    struct sk_place sk;
    if (!ike_read_header(message, &header, err))
        return NULL;
    if (header.length != message.len) {
        fail(err, "header: length %u, but the message has %zu octets", header.length, message.len);
        return NULL;
    }
    if (!find_sk(header.next_payload, message, &sk, err))
        return NULL;

    struct ike_opened *opened = open_sk(suite, keys, &sk, err);
    if (opened != NULL)
        opened->header = header;
    return opened;
}
