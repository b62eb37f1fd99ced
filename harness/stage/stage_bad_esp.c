#include "stage/bad_esp.h"

#include <stdlib.h>

#include "base/reader.h"
#include "cluster/data_path.h"
#include "esp/carried.h"
#include "stage/stage_parts.h"

enum { INNER_MAX = 200, OVERSIZED = 9000, NEXT_HEADER_FOR_EXPERIMENTS = 253, FAR_ABOVE = 1 << 20 };

const char *esp_flaw_text(enum esp_flaw flaw)
{
    static const char *const texts[ESP_FLAWS] = {
        [ESP_HEADER_CUT] = "of 7 octets",
        [ESP_BARE_HEADER] = "with nothing behind its header",
        [ESP_CUT_BY_ONE] = "without its last octet",
        [ESP_CUT_IN_TWO] = "without its second half",
        [ESP_WRONG_ICV] = "with a wrong ICV",
        [ESP_WRONG_TEXT] = "with a wrong bit in the ciphertext",
        [ESP_WRONG_NUMBER] = "with a number that it was not sealed under",
        [ESP_WRONG_SPI] = "with an SPI that no Child SA has",
        [ESP_OVERSIZED] = "of thousands of octets of noise",
        [ESP_PAD_TOO_LONG] = "with a Pad Length beyond its beginning",
        [ESP_NEXT_HEADER_OTHER] = "with Next Header 253",
        [ESP_NEXT_HEADER_DUMMY] = "that is a dummy packet (Next Header 59)",
        [ESP_INNER_EMPTY] = "with nothing inside",
        [ESP_INNER_CUT] = "whose IP packet is cut short",
        [ESP_INNER_NOISE] = "with noise inside",
        [ESP_FIRST_FRAGMENT] = "with the first fragment of an IP packet",
        [ESP_LAST_FRAGMENT] = "with the last fragment of an IP packet",
        [ESP_BAD_PADDING] = "with padding that is not 1, 2, 3",
        [ESP_NEXT_HEADER_FAMILY] = "with the Next Header of the other version of IP",
    };
    return texts[flaw];
}

bool esp_flaw_is_bearable(enum esp_flaw flaw)
{
    return flaw == ESP_BAD_PADDING || flaw == ESP_NEXT_HEADER_FAMILY;
}

bool esp_flaw_is_of_mode(enum esp_flaw flaw, bool transport_mode)
{
    return !transport_mode || (flaw != ESP_FIRST_FRAGMENT && flaw != ESP_LAST_FRAGMENT);
}

/* --- what is sealed ------------------------------------------------------------------------------ */

struct bad_payload {
    struct esp_payload payload;
    uint8_t inner[INNER_MAX], trailer[INNER_MAX];
};

/* As long as one that is right, and ends like it, but for one octet. */
static void make_trailer(struct bad_payload *b, const struct cipher_suite *suite, enum esp_flaw flaw)
{
    struct cipher_sizes sizes = {0};
    cipher_sizes_of(suite, &sizes);
    size_t align = sizes.block_len > 4 ? sizes.block_len : 4;
    size_t padding = align - (b->payload.inner.len + 2) % align; /* one octet of it at least */
    struct writer w = writer_into(b->trailer, sizeof b->trailer);
    for (size_t i = 1; i <= padding; i++)
        write_u8(&w, (uint8_t)(flaw == ESP_BAD_PADDING ? 0xa5 : i));
    write_u8(&w, flaw == ESP_PAD_TOO_LONG ? UINT8_MAX : (uint8_t)padding);
    write_u8(&w, b->payload.next_header);
    b->payload.trailer = writer_octets(&w);
}

static uint8_t other_family(const struct inner_packet *echo)
{
    return echo->ipv6 ? ESP_NEXT_IPV4 : ESP_NEXT_IPV6;
}

static uint8_t spoilt_next_header(enum esp_flaw flaw, const struct inner_packet *echo, uint8_t right)
{
    if (flaw == ESP_NEXT_HEADER_OTHER)
        return NEXT_HEADER_FOR_EXPERIMENTS;
    if (flaw == ESP_NEXT_HEADER_DUMMY)
        return ESP_NEXT_DUMMY;
    return flaw == ESP_NEXT_HEADER_FAMILY ? other_family(echo) : right;
}

static void make_payload(struct stage *stage, enum esp_flaw flaw, const struct inner_packet *echo,
                         const struct traffic_sa *sa, struct bad_payload *b)
{
    enum { CUT = 10, NOISE = 60 };
    struct writer w = writer_into(b->inner, sizeof b->inner);
    uint8_t right = write_carried(&w, echo, sa->transport_mode);
    if (flaw == ESP_FIRST_FRAGMENT || flaw == ESP_LAST_FRAGMENT || flaw == ESP_INNER_EMPTY)
        w = writer_into(b->inner, sizeof b->inner);
    if (flaw == ESP_FIRST_FRAGMENT || flaw == ESP_LAST_FRAGMENT)
        write_inner_fragment(&w, echo, flaw == ESP_LAST_FRAGMENT);
    if (flaw == ESP_INNER_NOISE)
        random_fill(&stage->random, b->inner, w.len < NOISE ? w.len : NOISE);
    b->payload.inner = octets_of(b->inner, w.len - (flaw == ESP_INNER_CUT ? CUT : 0));
    b->payload.next_header = spoilt_next_header(flaw, echo, right);
    if (flaw == ESP_PAD_TOO_LONG || flaw == ESP_BAD_PADDING)
        make_trailer(b, &sa->out.suite, flaw);
}

/* --- what is changed afterwards ------------------------------------------------------------------ */

static void make_longer(struct stage *stage, struct datagram *d)
{
    uint8_t *noise = malloc(OVERSIZED);
    struct datagram longer;
    if (!noise)
        leave_with(stage, VERDICT_ERROR, "out of memory");
    random_fill(&stage->random, noise, OVERSIZED);
    memcpy(noise, d->octets, ESP_HEADER_LEN);
    bool made = datagram_make(&longer, &d->from, &d->to, octets_of(noise, OVERSIZED));
    free(noise);
    if (!made)
        leave_with(stage, VERDICT_ERROR, "out of memory");
    datagram_clear(d);
    *d = longer;
}

static void add_to_number(struct datagram *d, uint32_t more)
{
    struct reader r = reader_over(octets_of(d->octets + 4, 4));
    struct writer w = writer_into(d->octets + 4, 4);
    uint32_t number = 0;
    read_u32(&r, &number);
    write_u32(&w, number + more);
}

static void spoil(struct stage *stage, enum esp_flaw flaw, struct datagram *d)
{
    switch (flaw) {
    case ESP_HEADER_CUT:
        d->len = ESP_HEADER_LEN - 1;
        break;
    case ESP_BARE_HEADER:
        d->len = ESP_HEADER_LEN;
        break;
    case ESP_CUT_BY_ONE:
        d->len--;
        break;
    case ESP_CUT_IN_TWO:
        d->len /= 2;
        break;
    case ESP_WRONG_ICV:
        d->octets[d->len - 1] ^= 1;
        break;
    case ESP_WRONG_TEXT:
        d->octets[d->len / 2] ^= 1;
        break;
    case ESP_WRONG_NUMBER:
        add_to_number(d, FAR_ABOVE);
        break;
    case ESP_WRONG_SPI:
        d->octets[1] ^= 0x55;
        break;
    case ESP_OVERSIZED:
        make_longer(stage, d);
        break;
    case ESP_PAD_TOO_LONG:
    case ESP_NEXT_HEADER_OTHER:
    case ESP_NEXT_HEADER_DUMMY:
    case ESP_INNER_EMPTY:
    case ESP_INNER_CUT:
    case ESP_INNER_NOISE:
    case ESP_FIRST_FRAGMENT:
    case ESP_LAST_FRAGMENT:
    case ESP_BAD_PADDING:
    case ESP_NEXT_HEADER_FAMILY:
        break;
    }
}

/* --- sending ------------------------------------------------------------------------------------- */

struct probed send_bad_esp(struct stage *stage, enum esp_flaw flaw)
{
    struct error err = {0};
    struct traffic *t = cluster_active(&stage->cluster)->traffic;
    struct traffic_sa *sa = NULL;
    struct inner_packet echo = next_probe(stage, false);
    struct bad_payload b = {0};
    demand_traffic(stage);
    if (traffic_sas(t, session_sa(stage), &sa, 1) == 0)
        inconclusive(stage, "there is no Child SA to send ESP over");
    struct probed p = {.spi = sa->in.spi, .id = echo.a, .number = echo.b, .text = "no answer"};
    make_payload(stage, flaw, &echo, sa, &b);
    if (!traffic_seal(t, sa, 0, &b.payload, &stage->random, &p.datagram, &err))
        leave_with(stage, VERDICT_ERROR, err.text);
    p.seq = sa->out.sent;
    spoil(stage, flaw, &p.datagram);
    if (!keep_datagram(stage, &p.datagram))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    note_flaw(stage, &p.datagram, flaw < ESP_PAD_TOO_LONG ? FLAW_FORGED : FLAW_BROKEN);
    p.packet = send_raw_esp(stage, datagram_octets(&p.datagram));
    flush_members(stage);
    return p;
}
