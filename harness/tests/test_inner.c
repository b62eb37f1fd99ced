/* Inner packets: those that Scapy built, our own, and broken ones. */
#include <check.h>
#include <stdlib.h>

#include "tests/vector_file.h"
#include "wire/inner.h"

static struct error err;
static uint8_t room[1024];

static struct inner_packet sample(bool ipv6, enum inner_kind kind)
{
    struct inner_packet p = {
        .kind = kind, .ipv6 = ipv6, .a = 7, .b = 3, .data = octets_of_text("understudy")};
    for (size_t i = 0; i < inner_address_len(&p); i++) {
        p.source[i] = (uint8_t)(10 + i);
        p.destination[i] = (uint8_t)(100 + i);
    }
    return p;
}

static struct octets written(const struct inner_packet *p)
{
    struct writer w = writer_into(room, sizeof room);
    write_inner(&w, p);
    ck_assert(!w.full);
    return writer_octets(&w);
}

static void assert_same(const struct inner_packet *a, const struct inner_packet *b)
{
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_int_eq(a->ipv6, b->ipv6);
    ck_assert_mem_eq(a->source, b->source, sizeof a->source);
    ck_assert_mem_eq(a->destination, b->destination, sizeof a->destination);
    ck_assert_uint_eq(a->a, b->a);
    ck_assert_uint_eq(a->b, b->b);
    ck_assert(octets_equal(a->data, b->data));
}

START_TEST(what_is_written_is_read)
{
    struct inner_packet p = sample(_i & 1, (enum inner_kind)(_i >> 1)), q;
    for (size_t len = 0; len <= p.data.len; len++) {
        struct inner_packet shorter = p;
        shorter.data.len = len;
        ck_assert_msg(read_inner(written(&shorter), &q, &err), "%s", err.text);
        assert_same(&shorter, &q);
    }
}
END_TEST

START_TEST(an_answer_goes_back)
{
    struct inner_packet p = sample(_i & 1, _i & 2 ? INNER_UDP : INNER_ECHO_REQUEST), a = inner_answer_to(&p),
                        q;
    ck_assert(read_inner(written(&a), &q, &err));
    ck_assert_mem_eq(q.source, p.destination, sizeof p.source);
    ck_assert_mem_eq(q.destination, p.source, sizeof p.source);
    ck_assert_int_eq(q.kind, p.kind == INNER_UDP ? INNER_UDP : INNER_ECHO_REPLY);
    ck_assert_uint_eq(q.a, p.kind == INNER_UDP ? p.b : p.a);
    struct inner_packet back = inner_answer_to(&a);
    back.kind = p.kind;
    assert_same(&back, &p);
}
END_TEST

/* False: such packets are only read. */
static bool check_content(struct vector_file *v, const struct inner_packet *p)
{
    bool unreachable = strstr(v->name, "unreachable") != NULL;
    ck_assert_int_eq(p->kind, unreachable              ? INNER_PORT_UNREACHABLE
                              : strstr(v->name, "udp") ? INNER_UDP
                                                       : INNER_ECHO_REQUEST);
    ck_assert_uint_eq(p->a, p->kind == INNER_ECHO_REQUEST ? 7 : 9);
    ck_assert_uint_eq(p->b, p->kind == INNER_ECHO_REQUEST ? 3 : 7);
    return !unreachable;
}

/* IPv4 of Scapy has another Identification and no DF, so only IPv6 is compared octet for octet. */
static void check_tunnel(struct vector_file *v, struct octets inner)
{
    struct inner_packet p;
    ck_assert_msg(read_inner(inner, &p, &err), "%s: %s", v->name, err.text);
    if (!check_content(v, &p))
        return;
    size_t from = p.ipv6 ? 0 : 20;
    struct octets again = written(&p);
    ck_assert_uint_eq(again.len, inner.len);
    ck_assert_mem_eq(again.at + from, inner.at + from, inner.len - from);
}

static void check_transport(struct vector_file *v, struct octets inner)
{
    struct octets source = vector_octets(v, "source"), destination = vector_octets(v, "destination");
    uint8_t protocol = (uint8_t)vector_number(v, "next_header");
    struct inner_packet p = {.ipv6 = source.len == 16};
    memcpy(p.source, source.at, source.len);
    memcpy(p.destination, destination.at, destination.len);
    ck_assert_msg(read_inner_upper(inner, protocol, &p, &err), "%s: %s", v->name, err.text);
    if (!check_content(v, &p))
        return;
    ck_assert_uint_eq(inner_protocol(&p), protocol);
    struct writer w = writer_into(room, sizeof room);
    write_inner_upper(&w, &p);
    ck_assert(octets_equal(writer_octets(&w), inner));
}

START_TEST(scapys_packets_are_read_and_made)
{
    struct vector_file v;
    unsigned n[2] = {0};
    vectors_open(&v, "../generated/esp.txt");
    while (vectors_next(&v)) {
        bool transport = strstr(v.name, " transport ") != NULL;
        (transport ? check_transport : check_tunnel)(&v, vector_octets(&v, "inner"));
        n[transport]++;
    }
    ck_assert(n[0] >= 100 && n[0] == n[1]);
}
END_TEST

static const struct {
    bool ipv6;
    enum inner_kind kind;
    size_t at;
    uint8_t is;
    const char *error;
} broken[] = {
    {false, INNER_UDP, 0, 0x46, "inner IPv4: no header of 20 octets"},
    {false, INNER_UDP, 2, 9, "inner IPv4: Total Length 2342 in 38 octets"},
    {false, INNER_UDP, 6, 0x20, "inner IPv4: a fragment"},
    {false, INNER_UDP, 8, 1, "inner IPv4: wrong Header Checksum"},
    {false, INNER_UDP, 25, 9, "inner UDP: Length 9 in 18 octets"},
    {false, INNER_UDP, 30, 9, "inner packet: wrong checksum"},
    {false, INNER_ECHO_REPLY, 30, 9, "inner packet: wrong checksum"},
    {false, INNER_ECHO_REPLY, 20, 3, "inner ICMP: type 3 code 0, not an echo"},
    {false, INNER_ECHO_REPLY, 21, 1, "inner ICMP: type 0 code 1, not an echo"},
    {true, INNER_UDP, 4, 9, "inner IPv6: Payload Length 2322, but 18 octets follow"},
    {true, INNER_UDP, 6, 44, "inner packet: protocol 44 is not read here"},
    {true, INNER_UDP, 9, 9, "inner packet: wrong checksum"},
    {true, INNER_ECHO_REQUEST, 50, 9, "inner packet: wrong checksum"},
    {true, INNER_ECHO_REQUEST, 0, 0x70, "inner IPv4: no header of 20 octets"},
};

/* What could not be delivered may be cut short behind its ports, not before. */
START_TEST(undelivered_datagrams_are_told_by_their_ports)
{
    struct vector_file v;
    unsigned n = 0;
    vectors_open(&v, "../generated/esp.txt");
    while (vectors_next(&v)) {
        struct octets inner = vector_octets(&v, "inner");
        if (strncmp(v.name, "gcm16-256 transport unreachable", 31) != 0)
            continue;
        n++;
        bool ipv6 = strstr(v.name, "6 seq") != NULL;
        size_t to_ports = 8 + (ipv6 ? 40 : 20) + 4;
        uint8_t *copy = octets_copy(inner);
        for (size_t len = 8; len <= inner.len; len++) {
            struct inner_packet p = {.ipv6 = ipv6};
            bool good = read_inner_upper(octets_of(copy, len), ipv6 ? 58 : 1, &p, &err);
            ck_assert_msg(!good || len == inner.len, "%zu octets", len); /* the checksum */
            const char *why = len < to_ports ? "what holds no UDP" : "checksum";
            ck_assert_msg(good || strstr(err.text, why), "%zu octets: %s", len, err.text);
        }
        copy[8 + (ipv6 ? 6 : 9)] = 6; /* of TCP */
        struct inner_packet p = {.ipv6 = ipv6};
        ck_assert(!read_inner_upper(octets_of(copy, inner.len), ipv6 ? 58 : 1, &p, &err));
        ck_assert_ptr_nonnull(strstr(err.text, "what holds no UDP datagram"));
        free(copy);
    }
    ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(broken_packets_are_refused)
{
    struct inner_packet p = sample(broken[_i].ipv6, broken[_i].kind), q;
    struct octets packet = written(&p);
    room[broken[_i].at] = broken[_i].is;
    ck_assert(!read_inner(packet, &q, &err));
    ck_assert_str_eq(err.text, broken[_i].error);
}
END_TEST

START_TEST(every_shorter_packet_is_refused_and_a_longer_one_is_not)
{
    struct inner_packet p = sample(_i & 1, (enum inner_kind)(_i >> 1)), q;
    struct octets packet = written(&p);
    for (size_t len = 0; len < packet.len; len++) {
        uint8_t *exact = octets_copy(octets_of(packet.at, len));
        ck_assert(!read_inner(octets_of(exact, len), &q, &err));
        free(exact);
    }
    ck_assert(read_inner(octets_of(room, packet.len + 50), &q, &err));
    assert_same(&p, &q);
}
END_TEST

START_TEST(no_room_writes_nothing_beyond)
{
    struct inner_packet p = sample(_i & 1, INNER_UDP);
    size_t whole = written(&p).len;
    for (size_t len = 0; len < whole; len++) {
        uint8_t *exact = malloc(len + 1);
        struct writer w = writer_into(exact, len);
        write_inner(&w, &p);
        ck_assert(w.full);
        free(exact);
    }
}
END_TEST

/* Their octets together are the packet, but neither is one, and nobody may join them. */
START_TEST(fragments_are_parts_of_a_packet)
{
    struct inner_packet p = sample(_i, INNER_ECHO_REQUEST), q;
    uint8_t parts[2][128];
    size_t headers = _i ? 48 : 20, whole_headers = _i ? 40 : 20, at = whole_headers;
    struct octets whole = written(&p);
    for (unsigned last = 0; last < 2; last++) {
        struct writer w = writer_into(parts[last], sizeof parts[last]);
        write_inner_fragment(&w, &p, last);
        ck_assert(!w.full);
        ck_assert(!read_inner(writer_octets(&w), &q, &err));
        ck_assert_msg(strstr(err.text, _i ? "protocol 44" : "a fragment") != NULL, "%s", err.text);
        ck_assert_mem_eq(parts[last] + headers, whole.at + at, w.len - headers);
        at += w.len - headers;
    }
    ck_assert_uint_eq(at, whole.len);
    /* RFC 791, RFC 8200: more to come at offset 0, nothing more behind 16 octets */
    ck_assert_uint_eq(parts[0][_i ? 43 : 6], _i ? 1 : 0x20);
    ck_assert_uint_eq(parts[1][_i ? 43 : 7], _i ? 16 : 2);
    ck_assert_mem_ne(parts[0] + (_i ? 44 : 4), parts[1] + (_i ? 44 : 4), _i ? 4 : 2);
    struct writer none = writer_into(parts[0], 10);
    write_inner_fragment(&none, &p, false);
    ck_assert(none.full);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("inner packets");
    TCase *tc = tcase_create("inner packets");
    tcase_add_loop_test(tc, what_is_written_is_read, 0, 6);
    tcase_add_loop_test(tc, an_answer_goes_back, 0, 4);
    tcase_add_test(tc, scapys_packets_are_read_and_made);
    tcase_add_test(tc, undelivered_datagrams_are_told_by_their_ports);
    tcase_add_loop_test(tc, broken_packets_are_refused, 0, sizeof broken / sizeof *broken);
    tcase_add_loop_test(tc, every_shorter_packet_is_refused_and_a_longer_one_is_not, 0, 6);
    tcase_add_loop_test(tc, fragments_are_parts_of_a_packet, 0, 2);
    tcase_add_loop_test(tc, no_room_writes_nothing_beyond, 0, 2);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
