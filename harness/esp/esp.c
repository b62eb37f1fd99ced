#include "esp/esp.h"

#include "base/reader.h"
#include "base/writer.h"

enum { TRAILER_LEN = 2, MAX_AAD = 12 };

/* --- what both directions share ------------------------------------------------------------------ */

/* What precedes the IV in the integrity check. The high half of an extended number is not sent: an AEAD has
 * it between SPI and low half (RFC 4106 5), other suites behind the ciphertext (RFC 4303 2.2.1). */
struct covered {
    uint8_t aad[MAX_AAD], behind[4];
    size_t aad_len, behind_len;
};

static struct covered covered_by(uint32_t spi, uint64_t seq, bool esn, bool aead)
{
    struct covered c;
    struct writer w = writer_into(c.aad, sizeof c.aad), high = writer_into(c.behind, sizeof c.behind);
    write_u32(&w, spi);
    if (esn && aead)
        write_u32(&w, (uint32_t)(seq >> 32));
    write_u32(&w, (uint32_t)seq);
    if (esn && !aead)
        write_u32(&high, (uint32_t)(seq >> 32));
    c.aad_len = w.len;
    c.behind_len = high.len;
    return c;
}

static bool sizes_of(const struct cipher_suite *suite, struct cipher_sizes *out, struct error *err)
{
    return cipher_sizes_of(suite, out) ||
           fail(err, "ESP: cipher suite not supported: encryption %u, integrity %u", suite->encr,
                suite->integ);
}

/* Ciphertext ends on a multiple of 4 octets and of the block (RFC 4303 2.4). */
static size_t alignment(const struct cipher_sizes *sizes)
{
    return sizes->block_len > 4 ? sizes->block_len : 4;
}

/* --- sending ------------------------------------------------------------------------------------- */

static uint64_t last_number(const struct esp_sender *sa)
{
    return sa->esn ? UINT64_MAX : UINT32_MAX;
}

bool esp_jump(struct esp_sender *sa, uint64_t delta, struct error *err)
{
    if (delta > last_number(sa) - sa->sent)
        return fail(err, "ESP SA %08x: sequence number %llu + %llu would wrap", sa->spi,
                    (unsigned long long)sa->sent, (unsigned long long)delta);
    sa->sent += delta;
    return true;
}

bool esp_next(struct esp_sender *sa, uint64_t *seq, struct error *err)
{
    if (!esp_jump(sa, 1, err))
        return false;
    *seq = sa->sent;
    return true;
}

static void write_iv(const struct esp_sender *sa, const struct cipher_sizes *sizes, uint64_t seq,
                     struct octets chosen, struct random_source *random, uint8_t *iv)
{
    struct writer w = writer_into(iv, sizes->iv_len);
    if (chosen.len == sizes->iv_len)
        write_bytes(&w, chosen);
    else if (sizes->aead)
        write_u64(&w, sa->iv_base + seq);
    else
        random_fill(random, iv, sizes->iv_len);
}

/* Padding is 1, 2, 3, ... (RFC 4303 2.4). */
static void write_trailer(struct writer *w, size_t padding, uint8_t next_header)
{
    for (size_t i = 1; i <= padding; i++)
        write_u8(w, (uint8_t)i);
    write_u8(w, (uint8_t)padding);
    write_u8(w, next_header);
}

bool esp_seal(const struct esp_sender *sa, uint64_t seq, const struct esp_payload *payload,
              struct random_source *random, uint8_t *out, size_t room, size_t *len, struct error *err)
{
    struct cipher_sizes sizes;
    if (!sizes_of(&sa->suite, &sizes, err))
        return false;
    if (payload->inner.len > ESP_MAX_PACKET || payload->tfc_padding > ESP_MAX_PACKET)
        return fail(err, "ESP: an inner packet of %zu octets and %zu of padding is too long",
                    payload->inner.len, payload->tfc_padding);
    size_t align = alignment(&sizes);
    size_t before = payload->inner.len + payload->tfc_padding;
    size_t padding = (align - (before + TRAILER_LEN) % align) % align;
    size_t text_len = before + (payload->trailer.len ? payload->trailer.len : padding + TRAILER_LEN);
    if (text_len % align != 0)
        return fail(err, "ESP: a trailer of %zu octets behind %zu ends on no multiple of %zu",
                    payload->trailer.len, before, align);
    struct writer w = writer_into(out, room);
    write_u32(&w, sa->spi);
    write_u32(&w, (uint32_t)seq);
    size_t iv_at = w.len, text_at = iv_at + sizes.iv_len;
    write_zeros(&w, sizes.iv_len);
    write_bytes(&w, payload->inner);
    write_zeros(&w, payload->tfc_padding);
    if (payload->trailer.len)
        write_bytes(&w, payload->trailer);
    else
        write_trailer(&w, padding, payload->next_header);
    write_zeros(&w, sizes.icv_len);
    if (w.full)
        return fail(err, "ESP: no room for %zu octets", text_at + text_len + sizes.icv_len);
    write_iv(sa, &sizes, seq, payload->iv, random, out + iv_at);
    struct covered c = covered_by(sa->spi, seq, sa->esn, sizes.aead);
    *len = w.len;
    return cipher_seal_with(&sa->suite, &sa->keys, octets_of(c.aad, c.aad_len), out + iv_at, out + text_at,
                            text_len, octets_of(c.behind, c.behind_len), out + text_at + text_len, err);
}

/* --- receiving ----------------------------------------------------------------------------------- */

bool esp_read_header(struct octets packet, uint32_t *spi, uint32_t *seq_low)
{
    struct reader r = reader_over(packet);
    return read_u32(&r, spi) && read_u32(&r, seq_low);
}

/* Takes trailer and padding off; false with the error when they are wrong. */
static bool strip_trailer(struct octets text, struct esp_opened *out, struct error *err)
{
    size_t padding = text.at[text.len - TRAILER_LEN];
    if (padding + TRAILER_LEN > text.len)
        return fail(err, "ESP: Pad Length %zu in %zu octets", padding, text.len);
    size_t inner_len = text.len - TRAILER_LEN - padding;
    for (size_t i = 0; i < padding; i++)
        if (text.at[inner_len + i] != (uint8_t)(i + 1))
            return fail(err, "ESP: octet %zu of the padding is %u", i + 1, text.at[inner_len + i]);
    out->next_header = text.at[text.len - 1];
    out->inner = octets_of(text.at, inner_len);
    return true;
}

/* False: of this length there is no packet of this suite. */
static bool has_shape(struct octets packet, const struct cipher_sizes *sizes, struct error *err)
{
    size_t around = ESP_HEADER_LEN + sizes->iv_len + sizes->icv_len;
    return (packet.len <= ESP_MAX_PACKET && packet.len >= around + TRAILER_LEN &&
            (packet.len - around) % alignment(sizes) == 0) ||
           fail(err, "ESP: %zu octets are no packet of this SA", packet.len);
}

enum esp_verdict esp_open_at(const struct esp_reader *sa, uint64_t seq, struct octets packet, uint8_t *room,
                             struct esp_opened *out, struct error *err)
{
    struct cipher_sizes sizes;
    uint32_t spi, low;
    *out = (struct esp_opened){.seq = seq};
    if (!sizes_of(sa->suite, &sizes, err) || !has_shape(packet, &sizes, err) ||
        !esp_read_header(packet, &spi, &low))
        return ESP_MALFORMED;
    const uint8_t *iv = packet.at + ESP_HEADER_LEN;
    size_t text_len = packet.len - ESP_HEADER_LEN - sizes.iv_len - sizes.icv_len;
    memcpy(room, iv + sizes.iv_len, text_len);
    struct covered c = covered_by(spi, seq, sa->esn, sizes.aead);
    if (!cipher_open_with(sa->suite, sa->keys, octets_of(c.aad, c.aad_len), iv, room, text_len,
                          octets_of(c.behind, c.behind_len), iv + sizes.iv_len + text_len, err))
        return ESP_NOT_AUTHENTIC;
    return strip_trailer(octets_of(room, text_len), out, err) ? ESP_ACCEPTED : ESP_MALFORMED;
}

enum esp_verdict esp_open(struct esp_receiver *sa, struct octets packet, uint8_t *room,
                          struct esp_opened *out, struct error *err)
{
    struct cipher_sizes sizes;
    uint32_t spi, low;
    *out = (struct esp_opened){0};
    if (!sizes_of(&sa->suite, &sizes, err) || !has_shape(packet, &sizes, err) ||
        !esp_read_header(packet, &spi, &low))
        return ESP_MALFORMED;
    if (spi != sa->spi) {
        fail(err, "ESP: SPI %08x on an SA with %08x", spi, sa->spi);
        return ESP_OTHER_SPI;
    }
    out->seq = replay_extend(&sa->window, low);
    enum replay_judgement judgement = replay_check(&sa->window, out->seq);
    if (judgement != REPLAY_NEW) {
        fail(err, "ESP: %llu: %s", (unsigned long long)out->seq, replay_judgement_name(judgement));
        return ESP_REPLAYED;
    }
    const struct esp_reader reader = {&sa->suite, &sa->keys, sa->window.esn};
    enum esp_verdict verdict = esp_open_at(&reader, out->seq, packet, room, out, err);
    if (verdict == ESP_ACCEPTED)
        replay_mark(&sa->window, out->seq);
    return verdict;
}

const char *esp_verdict_name(enum esp_verdict verdict)
{
    switch (verdict) {
    case ESP_ACCEPTED:
        return "accepted";
    case ESP_MALFORMED:
        return "malformed";
    case ESP_OTHER_SPI:
        return "another SA's SPI";
    case ESP_REPLAYED:
        return "replayed";
    case ESP_NOT_AUTHENTIC:
        return "not authentic";
    }
    return "?";
}
