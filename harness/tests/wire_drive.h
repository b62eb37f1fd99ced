/* Puts octets through all of wire/: read, judged, described, and what was read is written again and must read
 * the same. For mutated and fuzzed input; a broken promise aborts. */
#ifndef TESTS_WIRE_DRIVE_H
#define TESTS_WIRE_DRIVE_H

#include <stdlib.h>

#include "wire/describe.h"
#include "wire/ha.h"

static inline void drive_must(bool kept)
{
    if (!kept)
        abort();
}

/* Writing what was read and doing so again gives the same octets: reading lost nothing but reserved ones. */
static inline void drive_rewrite(const struct ike_payload *p)
{
    static uint8_t once[IKE_MAX_MESSAGE], twice[IKE_MAX_MESSAGE];
    struct writer w = writer_into(once, sizeof once), again = writer_into(twice, sizeof twice);
    struct payload_writer to = payloads_into(&w), to_again = payloads_into(&again);
    struct ike_payloads in;
    write_payload(&to, p);
    drive_must(!w.full && w.len == p->body.len + IKE_PAYLOAD_HEADER_LEN);
    drive_must(ike_read_payloads(p->type, writer_octets(&w), &in, NULL) && in.count == 1);
    write_payload(&to_again, &in.list[0]);
    drive_must(octets_equal(writer_octets(&w), writer_octets(&again)));
}

static inline bool drive_proposals(struct octets body)
{
    struct wire_proposal list[IKE_MAX_PROPOSALS], again[IKE_MAX_PROPOSALS];
    uint8_t octets[IKE_MAX_PROPOSALS * (16 + 12 * IKE_MAX_TRANSFORMS) + 4];
    size_t count, n;
    char line[200];
    if (!ike_read_proposals(body, list, IKE_MAX_PROPOSALS, &count, NULL))
        return false;
    struct writer w = writer_into(octets, sizeof octets);
    struct payload_writer p = payloads_into(&w);
    write_payload_sa(&p, list, count);
    drive_must(!w.full && count > 0 && count <= IKE_MAX_PROPOSALS);
    drive_must(ike_read_proposals(octets_of(octets + 4, w.len - 4), again, IKE_MAX_PROPOSALS, &n, NULL));
    drive_must(n == count);
    describe_proposal(&list[0], line, sizeof line);
    return true;
}

static inline bool drive_selectors(struct octets body)
{
    struct wire_selectors s, again = {0};
    uint8_t octets[8 + IKE_MAX_SELECTORS * 40];
    if (!ike_read_selectors(body, &s, NULL))
        return false;
    struct writer w = writer_into(octets, sizeof octets);
    struct payload_writer p = payloads_into(&w);
    write_payload_selectors(&p, PAYLOAD_TSI, &s);
    drive_must(!w.full && w.len == body.len + 4 &&
               ike_read_selectors(octets_of(octets + 4, w.len - 4), &again, NULL));
    drive_must(s.count == again.count);
    return true;
}

static inline void drive_notify(const struct wire_notify *n)
{
    struct message_id_sync sync;
    struct error err;
    uint64_t delta;
    read_message_id_sync(n, &sync, &err);
    read_replay_counter_sync(n, false, &delta, &err);
    read_replay_counter_sync(n, true, &delta, &err);
    announcement_is_well_formed(n, &err);
}

static inline bool drive_payload(const struct ike_payload *p)
{
    drive_rewrite(p);
    if (p->type == PAYLOAD_NOTIFY)
        drive_notify(&p->notify);
    if (p->type == PAYLOAD_SA)
        return drive_proposals(p->body);
    if (p->type == PAYLOAD_TSI || p->type == PAYLOAD_TSR)
        return drive_selectors(p->body);
    return true;
}

static inline void drive_describe(const struct ike_header *h, const struct ike_payloads *in)
{
    char line[300];
    describe_message(h, in, line, sizeof line);
    drive_must(strlen(line) < sizeof line);
    for (unsigned exchange = EXCHANGE_IKE_SA_INIT; exchange <= EXCHANGE_INFORMATIONAL; exchange++)
        for (unsigned form = 0; form < 4; form++) {
            struct error err = {""};
            if (!ike_check_legal((uint8_t)exchange, form & 1, form & 2, in, &err))
                drive_must(err.text[0] != '\0');
        }
}

/* True when the chain and all inside it is well-formed. */
static inline bool drive_chain(uint8_t first, struct octets chain)
{
    struct ike_header h = {.exchange = EXCHANGE_INFORMATIONAL};
    struct ike_payloads in;
    struct error err = {""};
    bool ok = ike_read_payloads(first, chain, &in, &err);
    drive_must(ok || err.text[0] != '\0');
    drive_must(in.count <= IKE_MAX_PAYLOADS);
    for (size_t i = 0; i < in.count; i++)
        ok = drive_payload(&in.list[i]) && ok;
    drive_describe(&h, &in);
    return ok;
}

static inline bool drive_message(struct octets message)
{
    struct ike_header h;
    struct error err = {""};
    if (!ike_read_header(message, &h, &err)) {
        drive_must(err.text[0] != '\0');
        return false;
    }
    return drive_chain(h.next_payload, octets_of(message.at + IKE_HEADER_LEN, message.len - IKE_HEADER_LEN));
}

/* Makes the header's length right again, so that a mutation gets behind it. */
/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through a writer */
static inline void fix_length(uint8_t *message, size_t len)
{
    if (len < IKE_HEADER_LEN)
        return;
    struct writer w = {.at = message, .capacity = len, .len = len};
    patch_u32(&w, 24, (uint32_t)len);
}

#endif
