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

/* What stands between the generic header and the IV: nothing in SK (RFC 7383 2.5). */
enum { FRAGMENT_FIELDS_LEN = 4 };

/* Everything of a message but the text: header, generic header, IV, ICV. */
static size_t frame_len(const struct cipher_sizes *sizes, bool fragment)
{
    return IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + (fragment ? FRAGMENT_FIELDS_LEN : 0) + sizes->iv_len +
           sizes->icv_len;
}

static size_t room_in(const struct cipher_suite *suite, size_t size, bool fragment)
{
    struct cipher_sizes sizes;
    if (!cipher_sizes_of(suite, &sizes))
        return 0;
    size_t frame = frame_len(&sizes, fragment);
    size_t text = size > frame ? (size - frame) / sizes.block_len * sizes.block_len : 0;
    return text > 0 ? text - 1 : 0;
}

size_t ike_room_in_message(const struct cipher_suite *suite, size_t size)
{
    return room_in(suite, size, false);
}

size_t ike_room_in_fragment(const struct cipher_suite *suite, size_t size)
{
    return room_in(suite, size, true);
}

/* What goes into one message: all of the chain, or a part of it. */
struct piece {
    struct octets inner;
    uint8_t first;
    uint16_t number, total; /* 0: all of it */
};

static void write_frame(struct writer *out, const struct ike_header *header, const struct piece *piece,
                        size_t total)
{
    struct ike_header sealed = *header;
    sealed.next_payload = piece->total > 0 ? PAYLOAD_SKF : PAYLOAD_SK;
    sealed.length = (uint32_t)total;
    write_ike_header(out, &sealed);
    write_u8(out, piece->first);
    write_u8(out, 0);
    write_u16(out, (uint16_t)(total - IKE_HEADER_LEN));
    if (piece->total > 0) {
        write_u16(out, piece->number);
        write_u16(out, piece->total);
    }
}

static bool seal_piece(const struct cipher_suite *suite, const struct cipher_keys *keys,
                       const struct ike_header *header, const struct piece *piece,
                       struct random_source *random, struct writer *out, struct error *err)
{
    struct cipher_sizes sizes;
    if (!sizes_of(suite, &sizes, err))
        return false;

    size_t pad_len = pad_len_for(piece->inner.len, sizes.block_len);
    size_t text_len = piece->inner.len + pad_len + 1;
    size_t total = frame_len(&sizes, piece->total > 0) + text_len;
    if (total > IKE_MAX_MESSAGE || out->full || total > out->capacity - out->len)
        return fail(err, "SK: no room for a message of %zu octets", total);

    size_t start = out->len;
    write_frame(out, header, piece, total);
    struct octets aad = octets_of(out->at + start, out->len - start);

    uint8_t *iv = out->at + out->len;
    write_zeros(out, sizes.iv_len);
    random_fill(random, iv, sizes.iv_len);

    uint8_t *text = out->at + out->len;
    write_bytes(out, piece->inner);
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

bool ike_seal(const struct cipher_suite *suite, const struct cipher_keys *keys,
              const struct ike_header *header, uint8_t first, struct octets inner,
              struct random_source *random, struct writer *out, struct error *err)
{
    const struct piece all = {.inner = inner, .first = first};
    return seal_piece(suite, keys, header, &all, random, out, err);
}

/* RFC 7383 2.5: only the first fragment names the type of the first payload. */
bool ike_seal_fragments(const struct cipher_suite *suite, const struct cipher_keys *keys,
                        const struct ike_header *header, uint8_t first, struct octets inner, size_t octets,
                        struct random_source *random, struct writer *out, struct error *err)
{
    size_t total = inner.len > octets ? (inner.len + octets - 1) / octets : 1, start = out->len;
    if (total > UINT16_MAX)
        return fail(err, "SKF: %zu fragments are too many", total);
    for (size_t i = 0; i < total; i++) {
        size_t from = i * octets, left = inner.len - from;
        const struct piece part = {
            .inner = left > 0 ? octets_of(inner.at + from, left < octets ? left : octets) : inner,
            .first = i == 0 ? first : PAYLOAD_NONE,
            .number = (uint16_t)(i + 1),
            .total = (uint16_t)total,
        };
        if (!seal_piece(suite, keys, header, &part, random, out, err)) {
            out->len = start;
            return false;
        }
    }
    return true;
}

/* Where SK lies in a message. */
struct sk_place {
    uint8_t inner_first;
    uint16_t number, total; /* of a fragment; 0: SK */
    struct octets before;   /* all that precedes the IV: the associated data of an AEAD */
    struct octets body;     /* from the IV on */
};

/* RFC 7383 2.5: numbers begin at 1, and none is above the total. */
static bool take_fragment_fields(struct sk_place *sk, struct error *err)
{
    struct reader r = reader_over(sk->body);
    if (!read_u16(&r, &sk->number) || !read_u16(&r, &sk->total))
        return fail(err, "SKF: %zu octets are too few for Fragment Number and Total Fragments", sk->body.len);
    if (sk->number == 0 || sk->number > sk->total)
        return fail(err, "SKF: Fragment Number %u of %u", sk->number, sk->total);
    sk->before.len += FRAGMENT_FIELDS_LEN;
    return read_view(&r, r.left, &sk->body);
}

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
        if (type == PAYLOAD_SK || type == PAYLOAD_SKF) {
            out->inner_first = next;
            out->before = octets_of(message.at, offset + IKE_PAYLOAD_HEADER_LEN);
            if (r.left > 0)
                return fail(err, "SK: %zu octets behind it", r.left);
            return type == PAYLOAD_SK || take_fragment_fields(out, err);
        }
        type = next;
    }
    return fail(err, "no SK payload");
}

/* The text of a message, that is to be opened. */
struct sk_text {
    struct sk_place sk;
    struct cipher_sizes sizes;
    size_t len;
};

static bool find_text(const struct cipher_suite *suite, struct octets message, struct ike_header *header,
                      struct sk_text *out, struct error *err)
{
    *out = (struct sk_text){0};
    if (!ike_read_header(message, header, err) || !find_sk(header->next_payload, message, &out->sk, err) ||
        !sizes_of(suite, &out->sizes, err))
        return false;
    size_t frame = out->sizes.iv_len + out->sizes.icv_len;
    if (out->sk.body.len < frame + out->sizes.block_len)
        return fail(err, "SK: %zu octets are too few for IV, text and ICV", out->sk.body.len);
    out->len = out->sk.body.len - frame;
    if (out->len % out->sizes.block_len != 0)
        return fail(err, "SK: %zu octets of text are not whole blocks of %zu", out->len,
                    out->sizes.block_len);
    return true;
}

static bool open_text(struct ike_opened *out, const struct cipher_suite *suite,
                      const struct cipher_keys *keys, const struct sk_text *text, struct error *err)
{
    const uint8_t *iv = text->sk.body.at, *sealed = iv + text->sizes.iv_len;
    memcpy(out->plain, sealed, text->len);
    if (!cipher_open(suite, keys, text->sk.before, iv, out->plain, text->len, sealed + text->len, err))
        return fail_within(err, "SK");
    size_t pad_len = out->plain[text->len - 1];
    if (pad_len + 1 > text->len)
        return fail(err, "SK: pad length %zu in %zu octets of text", pad_len, text->len);
    out->first = text->sk.inner_first;
    out->number = text->sk.number;
    out->total = text->sk.total;
    out->inner = octets_of(out->plain, text->len - 1 - pad_len);
    return true;
}

struct ike_opened *ike_open_in(struct room *room, const struct cipher_suite *suite,
                               const struct cipher_keys *keys, struct octets message, struct error *err)
{
    struct ike_header header;
    struct sk_text text;
    if (!find_text(suite, message, &header, &text, err))
        return NULL;
    struct ike_opened *in_room = room ? room_take(room, sizeof *in_room + text.len) : NULL;
    struct ike_opened *opened = in_room ? in_room : malloc(sizeof *opened + text.len);
    if (!opened) {
        fail(err, "SK: out of memory");
        return NULL;
    }
    opened->header = header;
    if (open_text(opened, suite, keys, &text, err))
        return opened;
    if (in_room)
        room_untake(room, in_room);
    else
        free(opened);
    return NULL;
}

struct ike_opened *ike_open(const struct cipher_suite *suite, const struct cipher_keys *keys,
                            struct octets message, struct error *err)
{
    return ike_open_in(NULL, suite, keys, message, err);
}
