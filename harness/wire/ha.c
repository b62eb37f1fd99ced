#include "wire/ha.h"

#include "base/reader.h"

/* What all notifies of RFC 6311 section 6 share: they concern no SPI, and their data has one length. */
static bool check_form(const struct wire_notify *n, size_t data_len, struct error *err)
{
    if (n->protocol != PROTOCOL_NONE)
        return fail(err, "Protocol ID: %u, must be 0", n->protocol);
    if (n->spi.len != 0)
        return fail(err, "SPI Size: %zu, must be 0", n->spi.len);
    if (n->data.len != data_len)
        return fail(err, "Notification Data: %zu octets, must be %zu", n->data.len, data_len);
    return true;
}

static bool check_notify(const struct wire_notify *n, uint16_t type, size_t data_len, struct error *err)
{
    if (n->type != type)
        fail(err, "Notify Message Type: %u, must be %u", n->type, type);
    else if (check_form(n, data_len, err))
        return true;
    return fail_within(err, "N(%s)", notify_name(type));
}

/* FMT-2 */
bool read_message_id_sync(const struct wire_notify *n, struct message_id_sync *out, struct error *err)
{
    return read_message_ids(n, NOTIFY_IKEV2_MESSAGE_ID_SYNC, out, err);
}

void write_message_id_sync(struct payload_writer *p, const struct message_id_sync *sync)
{
    write_message_ids(p, NOTIFY_IKEV2_MESSAGE_ID_SYNC, sync);
}

bool read_message_ids(const struct wire_notify *n, uint16_t type, struct message_id_sync *out,
                      struct error *err)
{
    if (!check_notify(n, type, MESSAGE_ID_SYNC_DATA_LEN, err))
        return false;
    struct reader r = reader_over(n->data);
    return read_bytes(&r, out->nonce, sizeof out->nonce) && read_u32(&r, &out->expected_send) &&
           read_u32(&r, &out->expected_recv);
}

void write_message_ids(struct payload_writer *p, uint16_t type, const struct message_id_sync *sync)
{
    uint8_t data[MESSAGE_ID_SYNC_DATA_LEN];
    struct writer w = writer_into(data, sizeof data);
    write_bytes(&w, octets_of(sync->nonce, sizeof sync->nonce));
    write_u32(&w, sync->expected_send);
    write_u32(&w, sync->expected_recv);
    write_payload_notify(p, &(struct wire_notify){.type = type, .data = writer_octets(&w)});
}

/* FMT-6 */
bool read_replay_counter_sync(const struct wire_notify *n, bool esn, uint64_t *delta, struct error *err)
{
    if (!check_notify(n, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC, esn ? 8 : 4, err))
        return false;
    struct reader r = reader_over(n->data);
    uint32_t low = 0;
    if (esn)
        return read_u64(&r, delta);
    if (!read_u32(&r, &low))
        return false;
    *delta = low;
    return true;
}

void write_replay_counter_sync(struct payload_writer *p, bool esn, uint64_t delta)
{
    uint8_t data[8];
    struct writer w = writer_into(data, sizeof data);
    if (esn)
        write_u64(&w, delta);
    else
        write_u32(&w, (uint32_t)delta);
    write_payload_notify(
        p, &(struct wire_notify){.type = NOTIFY_IPSEC_REPLAY_COUNTER_SYNC, .data = writer_octets(&w)});
}

void write_announcement(struct payload_writer *p, uint16_t notify_type)
{
    write_payload_notify(p, &(struct wire_notify){.type = notify_type});
}

/* NEG-3 */
bool announcement_is_well_formed(const struct wire_notify *n, struct error *err)
{
    if (n->type != NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED)
        return check_notify(n, NOTIFY_IKEV2_MESSAGE_ID_SYNC_SUPPORTED, 0, err);
    return check_notify(n, NOTIFY_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED, 0, err);
}
