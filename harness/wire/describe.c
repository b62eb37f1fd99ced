#include "wire/describe.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

#include "wire/format.h"
#include "wire/ha.h"

enum { SHOWN_HEX = 16, SHOWN_TEXT = 64 };

/* A line that grows until it is full; what does not fit is cut off. */
struct line {
    char *at;
    size_t size, len;
};

static void put(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *l, const char *format, ...)
{
    if (l->len + 1 >= l->size)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(l->at + l->len, l->size - l->len, format, args);
    va_end(args);
    if (n < 0)
        return;
    size_t room = l->size - l->len - 1;
    l->len += (size_t)n < room ? (size_t)n : room;
}

static struct line line_into(char *out, size_t size)
{
    if (size > 0)
        out[0] = '\0';
    return (struct line){.at = out, .size = size};
}

static void put_hex(struct line *l, struct octets from)
{
    for (size_t i = 0; i < from.len && i < SHOWN_HEX; i++)
        put(l, "%02x", from.at[i]);
    if (from.len > SHOWN_HEX)
        put(l, "...");
}

static void put_text(struct line *l, struct octets from)
{
    for (size_t i = 0; i < from.len && i < SHOWN_TEXT; i++) {
        uint8_t c = from.at[i];
        if (c >= 0x20 && c < 0x7f && c != '\\' && c != '"')
            put(l, "%c", c);
        else
            put(l, "\\x%02x", c);
    }
    if (from.len > SHOWN_TEXT)
        put(l, "...");
}

static void put_name(struct line *l, const char *name, unsigned value)
{
    if (name)
        put(l, "%s", name);
    else
        put(l, "%u", value);
}

static void put_address(struct line *l, uint8_t family, const uint8_t *address)
{
    char text[INET6_ADDRSTRLEN] = "?";
    inet_ntop(family == 6 ? AF_INET6 : AF_INET, address, text, sizeof text);
    put(l, "%s", text);
}

/* --- SA and TS ----------------------------------------------------------------------------------- */

static void put_transform(struct line *l, const struct wire_transform *t)
{
    const char *name = transform_name(t->type, t->id);
    if (t->type == TRANSFORM_PRF)
        put(l, "PRF_");
    if (name)
        put(l, "%s", name);
    else
        put(l, "%u:%u", t->type, t->id);
    if (t->key_bits == WIRE_KEY_BITS_UNKNOWN)
        put(l, "-?");
    else if (t->key_bits != 0)
        put(l, "-%u", t->key_bits);
}

static void put_proposal(struct line *l, const struct wire_proposal *p)
{
    for (unsigned i = 0; i < p->n_transforms && i < IKE_MAX_TRANSFORMS; i++) {
        put(l, "%s", i > 0 ? "/" : "");
        put_transform(l, &p->transforms[i]);
    }
}

void describe_proposal(const struct wire_proposal *p, char *out, size_t size)
{
    struct line l = line_into(out, size);
    put_proposal(&l, p);
}

static void put_sa(struct line *l, const struct ike_payload *p)
{
    struct wire_proposal proposals[IKE_MAX_PROPOSALS];
    size_t count;
    if (!ike_read_proposals(p->body, proposals, IKE_MAX_PROPOSALS, &count, NULL)) {
        put(l, "malformed");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        put(l, "%s%u ", i > 0 ? ", " : "", proposals[i].number);
        put_name(l, protocol_name(proposals[i].protocol), proposals[i].protocol);
        put(l, " ");
        if (proposals[i].spi_len > 0) {
            put_hex(l, octets_of(proposals[i].spi, proposals[i].spi_len));
            put(l, " ");
        }
        put_proposal(l, &proposals[i]);
    }
}

static void put_selector(struct line *l, const struct wire_selector *s)
{
    put_address(l, s->family, s->first);
    put(l, "-");
    put_address(l, s->family, s->last);
    if (s->ip_protocol != 0 || s->port_first != 0 || s->port_last != UINT16_MAX)
        put(l, "[%u/%u-%u]", s->ip_protocol, s->port_first, s->port_last);
}

static void put_ts(struct line *l, const struct ike_payload *p)
{
    struct wire_selectors s;
    if (!ike_read_selectors(p->body, &s, NULL)) {
        put(l, "malformed");
        return;
    }
    for (unsigned i = 0; i < s.count; i++) {
        put(l, "%s", i > 0 ? ", " : "");
        put_selector(l, &s.list[i]);
    }
}

/* --- the others ---------------------------------------------------------------------------------- */

/* The sync notifies show their fields when they are well-formed, and their octets when not. */
static void put_notify_data(struct line *l, const struct wire_notify *n)
{
    struct message_id_sync sync;
    uint64_t delta;
    if (n->data.len == 0)
        return;
    if (read_message_id_sync(n, &sync, NULL)) {
        put(l, " nonce ");
        put_hex(l, octets_of(sync.nonce, sizeof sync.nonce));
        put(l, " send %u recv %u", sync.expected_send, sync.expected_recv);
    } else if (read_replay_counter_sync(n, false, &delta, NULL) ||
               read_replay_counter_sync(n, true, &delta, NULL)) {
        put(l, " delta %llu", (unsigned long long)delta);
    } else {
        put(l, " ");
        put_hex(l, n->data);
    }
}

static void put_notify(struct line *l, const struct ike_payload *p)
{
    const struct wire_notify *n = &p->notify;
    put_name(l, notify_name(n->type), n->type);
    if (n->protocol != PROTOCOL_NONE) {
        put(l, " ");
        put_name(l, protocol_name(n->protocol), n->protocol);
    }
    if (n->spi.len > 0) {
        put(l, " ");
        put_hex(l, n->spi);
    }
    put_notify_data(l, n);
}

static void put_delete(struct line *l, const struct ike_payload *p)
{
    put_name(l, protocol_name(p->del.protocol), p->del.protocol);
    struct reader spis = reader_over(p->del.spis);
    struct octets spi;
    while (spis.left > 0 && p->del.spi_len > 0 && read_view(&spis, p->del.spi_len, &spi)) {
        put(l, " ");
        put_hex(l, spi);
    }
}

static void put_id(struct line *l, const struct ike_payload *p)
{
    put_name(l, id_type_name(p->id.id_type), p->id.id_type);
    put(l, " ");
    if (p->id.id_type == ID_IPV4_ADDR && p->id.data.len == 4)
        put_address(l, 4, p->id.data.at);
    else if (p->id.id_type == ID_IPV6_ADDR && p->id.data.len == 16)
        put_address(l, 6, p->id.data.at);
    else if (p->id.id_type == ID_FQDN || p->id.id_type == ID_RFC822_ADDR)
        put_text(l, p->id.data);
    else
        put_hex(l, p->id.data);
}

static void put_ke(struct line *l, const struct ike_payload *p)
{
    put_name(l, transform_name(TRANSFORM_KE, p->ke.method), p->ke.method);
}

static void put_auth(struct line *l, const struct ike_payload *p)
{
    put_name(l, auth_method_name(p->auth.method), p->auth.method);
}

static void put_skf(struct line *l, const struct ike_payload *p)
{
    put(l, "%u of %u", p->skf.number, p->skf.total);
}

static void put_cp(struct line *l, const struct ike_payload *p)
{
    static const char *const names[] = {NULL, "REQUEST", "REPLY", "SET", "ACK"};
    uint8_t type = p->cp.cfg_type;
    put_name(l, type < sizeof names / sizeof names[0] ? names[type] : NULL, type);
}

/* What stands in brackets behind the name of a payload. */
static void (*const details[])(struct line *l, const struct ike_payload *p) = {
    [PAYLOAD_SA] = put_sa,         [PAYLOAD_KE] = put_ke,     [PAYLOAD_IDI] = put_id,
    [PAYLOAD_IDR] = put_id,        [PAYLOAD_AUTH] = put_auth, [PAYLOAD_NOTIFY] = put_notify,
    [PAYLOAD_DELETE] = put_delete, [PAYLOAD_TSI] = put_ts,    [PAYLOAD_TSR] = put_ts,
    [PAYLOAD_CP] = put_cp,         [PAYLOAD_SKF] = put_skf,
};

static void put_payload(struct line *l, const struct ike_payload *p)
{
    put(l, "%s%s", payload_label(p->type).text, p->critical ? "!" : "");
    if (p->type >= sizeof details / sizeof details[0] || !details[p->type])
        return;
    put(l, "(");
    details[p->type](l, p);
    put(l, ")");
}

void describe_message(const struct ike_header *h, const struct ike_payloads *payloads, char *out, size_t size)
{
    struct line l = line_into(out, size);
    const char *name = exchange_name(h->exchange);
    if (name)
        put(&l, "%s", name);
    else
        put(&l, "exchange %u", h->exchange);
    put(&l, " %s %u {", ike_is_response(h) ? "response" : "request", h->message_id);
    for (size_t i = 0; payloads && i < payloads->count; i++) {
        put(&l, "%s", i > 0 ? ", " : " ");
        put_payload(&l, &payloads->list[i]);
    }
    if (!payloads)
        put(&l, " unreadable");
    put(&l, " }");
}
