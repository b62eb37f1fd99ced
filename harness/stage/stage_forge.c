/* What the peer must withstand: forged messages, and floods. */
#include "stage/attack_parts.h"

#include "stage/stage_parts.h"

/* --- forging ------------------------------------------------------------------------------------- */

const char *forgery_text(enum forgery how)
{
    static const char *const texts[FORGERIES] = {
        [FORGED_ICV] = "with a wrong ICV",
        [FORGED_TEXT] = "with a wrong bit in the ciphertext",
        [FORGED_KEYS] = "under the keys of an earlier IKE SA",
        [FORGED_TURN] = "under the keys of the other direction",
        [FORGED_CLEAR] = "in clear",
    };
    return texts[how];
}

static bool is_sessions(const struct stage *stage, const struct ike_evidence_keys *k)
{
    return memcmp(k->spi_i, stage->spi_i, IKE_SPI_LEN) == 0 &&
           memcmp(k->spi_r, stage->spi_r, IKE_SPI_LEN) == 0;
}

static const struct ike_evidence_keys *find_keys(struct stage *stage, bool of_the_session)
{
    for (size_t i = stage->n_keys; i-- > 0;)
        if (is_sessions(stage, &stage->keys[i]) == of_the_session)
            return &stage->keys[i];
    leave_with(stage, VERDICT_ERROR, "there is no other IKE SA whose keys could be used");
}

static bool write_sealed_by(struct stage *stage, const struct ike_evidence_keys *k, bool from_initiator,
                            const struct ike_header *header, struct octets chain, struct writer *out)
{
    struct error err = {0};
    return ike_seal(&k->suite, from_initiator ? &k->from_initiator : &k->from_responder, header,
                    PAYLOAD_NOTIFY, chain, &stage->random, out, &err) ||
           (leave_with(stage, VERDICT_ERROR, err.text), false);
}

static void write_in_clear(const struct ike_header *header, struct octets chain, struct writer *out)
{
    write_ike_header(out, header);
    write_bytes(out, chain);
    ike_finish_message(out, 0, PAYLOAD_NOTIFY);
}

/* The message anew, from the header of the right one. */
static void rewrite(struct stage *stage, enum forgery how, struct sync_request *request)
{
    uint8_t room[512], message[512], inner[64];
    struct octets right = packet_message(&request->datagram);
    size_t marker = request->datagram.len - right.len;
    struct writer chain = writer_into(inner, sizeof inner), w = writer_into(message, sizeof message),
                  whole = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&chain);
    struct ike_header header;
    ike_read_header(right, &header, NULL);
    bool from_initiator = (header.flags & IKE_FLAG_INITIATOR) != 0;
    write_message_id_sync(&p, &request->sync);
    if (how == FORGED_CLEAR)
        write_in_clear(&header, writer_octets(&chain), &w);
    else
        write_sealed_by(stage, find_keys(stage, how == FORGED_TURN), from_initiator != (how == FORGED_TURN),
                        &header, writer_octets(&chain), &w);
    write_zeros(&whole, marker);
    write_bytes(&whole, writer_octets(&w));
    struct endpoint from = request->datagram.from, to = request->datagram.to;
    if (!datagram_make(&request->datagram, &from, &to, writer_octets(&whole)))
        leave_with(stage, VERDICT_ERROR, "out of memory");
    keep_message(stage, &request->datagram);
}

/* Behind the header of SK and the longest IV there is ciphertext. */
enum { OFFSET_IN_TEXT = IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + 16 };

static void forge(struct stage *stage, enum forgery how, struct sync_request *request)
{
    struct datagram *d = &request->datagram;
    size_t marker = d->len - packet_message(d).len;
    switch (how) {
    case FORGED_ICV:
        d->octets[d->len - 1] ^= 1;
        break;
    case FORGED_TEXT:
        d->octets[marker + OFFSET_IN_TEXT] ^= 1;
        break;
    case FORGED_KEYS:
    case FORGED_TURN:
    case FORGED_CLEAR:
        rewrite(stage, how, request);
        break;
    }
    note_flaw(stage, d, FLAW_FORGED);
}

struct sync_request send_forged_sync(struct stage *stage, enum forgery how, struct message_id_sync numbers)
{
    struct sync_request request = seal_sync(stage, numbers);
    forge(stage, how, &request);
    wait_out_grace(stage);
    send_now(stage, &request);
    return request;
}

/* --- floods -------------------------------------------------------------------------------------- */

struct flood {
    size_t from;
    unsigned wanted;
};

static unsigned sync_answers_since(const struct stage *stage, size_t from)
{
    struct message_id_sync sync;
    unsigned n = 0;
    for (size_t i = from; i < stage->n_wire; i++)
        n += packet_is(stage->wire[i], true, true, EXCHANGE_INFORMATIONAL) &&
             of_session(stage, stage->wire[i]) && !stage->wire[i]->copy_of &&
             packet_sync(stage->wire[i], &sync);
    return n;
}

static bool flood_is_answered(struct stage *stage, void *arg)
{
    const struct flood *f = arg;
    return sync_answers_since(stage, f->from) >= f->wanted;
}

static void wait_for_flood(struct stage *stage, struct flood *f)
{
    pump_until(stage, grace_us(stage) + CLOCK_MS(100), flood_is_answered, f);
}

unsigned flood_with_syncs(struct stage *stage, unsigned n, uint64_t first_m1, uint64_t p1)
{
    struct flood f = {.from = stage->n_wire, .wanted = n};
    for (unsigned i = 0; i < n; i++) {
        struct sync_request request = seal_sync(stage, sync_of(stage, first_m1 + i, p1));
        send_now(stage, &request);
    }
    wait_for_flood(stage, &f);
    return sync_answers_since(stage, f.from);
}

void flood_with_forgeries(struct stage *stage, unsigned n, uint64_t m1, uint64_t p1)
{
    for (unsigned i = 0; i < n; i++) {
        struct sync_request request = seal_sync(stage, sync_of(stage, m1 + i, p1));
        forge(stage, FORGED_ICV, &request);
        send_now(stage, &request);
    }
}
