/* Frames, IP fragments and key tables, octet by octet; what is beyond that is in judge.sh. */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/registry.h"
#include "capture/reassembly.h"
#include "evidence/key_tables.h"

#include <check.h> /* last: it makes a macro of fail */
#undef fail

/* 192.0.2.1 to 192.0.2.2, protocol 17, 8 octets */
static const uint8_t ipv4[28] = {0x45, 0, 0,   28, 0, 7, 0,   0,   64,  17,  0,   0,   192, 0,
                                 2,    1, 192, 0,  2, 2, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'};

static enum frame_kind read_with(int link_type, const void *head, size_t n, struct ip_packet *out)
{
    static uint8_t frame[128];
    memcpy(frame, head, n);
    memcpy(frame + n, ipv4, sizeof ipv4);
    return frame_read(link_type, octets_of(frame, n + sizeof ipv4), out);
}

static void check_payload(const struct ip_packet *p, size_t len)
{
    ck_assert_uint_eq(p->protocol, IP_PROTOCOL_UDP);
    ck_assert_uint_eq(p->payload.len, len);
    ck_assert_mem_eq(p->payload.at, "abcdefgh", len);
    ck_assert_mem_eq(p->to.address, "\300\0\2\2", 4);
}

START_TEST(link_layers_are_taken_off)
{
    static const struct {
        int link_type;
        size_t len;
        const char *head;
    } heads[] = {
        {DLT_RAW, 0, ""},
        {DLT_EN10MB, 14, "\0\0\0\0\0\0\0\0\0\0\0\0\x08\0"},
        {DLT_EN10MB, 22, "\0\0\0\0\0\0\0\0\0\0\0\0\x88\xa8\0\1\x81\0\0\2\x08\0"},
        {DLT_LINUX_SLL, 16, "\0\0\0\1\0\6\0\0\0\0\0\0\0\0\x08\0"},
        {DLT_LINUX_SLL2, 20, "\x08\0\0\0\0\0\0\1\0\1\0\6\0\0\0\0\0\0\0\0"},
        {DLT_NULL, 4, "\2\0\0\0"},
        {DLT_LOOP, 4, "\0\0\0\2"},
    };
    struct ip_packet p;
    ck_assert(frame_link_is_known(heads[_i].link_type));
    ck_assert_int_eq(read_with(heads[_i].link_type, heads[_i].head, heads[_i].len, &p), FRAME_IP);
    check_payload(&p, 8);
    ck_assert(!p.cut && !p.is_fragment);
}
END_TEST

START_TEST(a_tag_of_too_many_is_another_protocol)
{
    uint8_t head[12 + 9 * 4 + 2] = {0};
    struct ip_packet p;
    for (size_t i = 12; i + 4 <= sizeof head; i += 4)
        head[i] = 0x81;
    head[sizeof head - 2] = 0x08;
    ck_assert_int_eq(read_with(DLT_EN10MB, head, sizeof head, &p), FRAME_OTHER);
}
END_TEST

START_TEST(every_shorter_frame_is_cut_or_broken)
{
    struct ip_packet p;
    for (size_t len = 0; len < sizeof ipv4; len++) {
        uint8_t *exact = malloc(len ? len : 1); /* for AddressSanitizer */
        memcpy(exact, ipv4, len);
        enum frame_kind kind = frame_read(DLT_RAW, octets_of(exact, len), &p);
        ck_assert_int_eq(kind, len < 20 ? FRAME_BROKEN : FRAME_IP);
        ck_assert(kind == FRAME_BROKEN || (p.cut && p.payload.len == len - 20));
        free(exact);
    }
}
END_TEST

/* --- fragments ----------------------------------------------------------------------------------------- */

static struct ip_packet part(uint32_t id, uint32_t offset, bool more, const char *text)
{
    struct ip_packet p = {.protocol = IP_PROTOCOL_UDP,
                          .payload = octets_of_text(text),
                          .is_fragment = true,
                          .fragment_id = id,
                          .fragment_offset = offset,
                          .more_fragments = more};
    p.from.family = p.to.family = 4;
    return p;
}

START_TEST(fragments_become_whole_in_any_order)
{
    struct reassembly *r = reassembly_new();
    struct ip_packet last = part(1, 16, false, "qr"), first = part(1, 0, true, "abcdefgh"), again = first,
                     middle = part(1, 8, true, "ijklmnop");
    ck_assert(!reassembly_add(r, &last, 0));
    ck_assert(!reassembly_add(r, &first, 1));
    ck_assert(!reassembly_add(r, &again, 2)); /* doubled by the path */
    ck_assert(reassembly_add(r, &middle, 3));
    ck_assert_uint_eq(middle.payload.len, 18);
    ck_assert_mem_eq(middle.payload.at, "abcdefghijklmnopqr", 18);
    ck_assert_uint_eq(reassembly_lost(r), 0);
    reassembly_free(r);
}
END_TEST

START_TEST(fragments_that_overlap_end_their_datagram)
{
    struct reassembly *r = reassembly_new();
    struct ip_packet first = part(1, 0, true, "abcdefghijklmnop"), over = part(1, 8, true, "XXXXXXXX"),
                     last = part(1, 16, false, "qr");
    ck_assert(!reassembly_add(r, &first, 0));
    ck_assert(!reassembly_add(r, &over, 1));
    ck_assert(!reassembly_add(r, &last, 2));
    ck_assert_uint_eq(reassembly_lost(r), 1);
    reassembly_free(r);
}
END_TEST

START_TEST(a_flood_of_fragments_takes_the_place_of_the_oldest)
{
    struct reassembly *r = reassembly_new();
    for (uint32_t id = 0; id < 3 * REASSEMBLY_MAX; id++) {
        struct ip_packet p = part(id, 0, true, "abcdefgh");
        ck_assert(!reassembly_add(r, &p, id));
    }
    struct ip_packet old = part(0, 8, false, "i"), new = part(3 * REASSEMBLY_MAX - 1, 8, false, "i");
    ck_assert(reassembly_add(r, &new, 1000));
    ck_assert(!reassembly_add(r, &old, 1000));
    reassembly_free(r);
}
END_TEST

/* --- key tables ---------------------------------------------------------------------------------------- */

static bool read_text(struct key_tables *t, const char *text, struct error *err)
{
    char path[] = "/tmp/keysXXXXXX";
    int fd = mkstemp(path);
    ck_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    bool good = key_tables_read(t, path, err);
    unlink(path);
    return good;
}

START_TEST(what_is_written_is_read_again)
{
    struct ike_evidence_keys k = {
        .suite = {.encr = ENCR_AES_CBC, .encr_key_bits = 192, .integ = INTEG_HMAC_SHA2_256_128}};
    struct key_tables t = {0};
    struct error err = {0};
    char path[] = "/tmp/keysXXXXXX";
    memset(k.spi_i, 0xab, sizeof k.spi_i);
    memset(k.from_initiator.encr, 0x11, 24);
    memset(k.from_responder.integ, 0x22, 32);
    int fd = mkstemp(path);
    ck_assert(fd >= 0);
    close(fd);
    ck_assert_msg(ikev2_decryption_table_add(path, &k, &err), "%s", err.text);
    ck_assert(ikev2_decryption_table_add(path, &k, &err)); /* by the other end */
    ck_assert_msg(key_tables_read(&t, path, &err), "%s", err.text);
    unlink(path);
    ck_assert_uint_eq(t.n_ike, 1);
    ck_assert_mem_eq(&t.ike[0], &k, sizeof k);
    key_tables_clear(&t);
}
END_TEST

START_TEST(quotes_and_foreign_algorithms_are_known)
{
    struct key_tables t = {0};
    struct error err = {0};
    const char *text = "\"0102030405060708\",\"1112131415161718\","
                       "\"000000000000000000000000000000000000000000000000000000000000000000000000\","
                       "0x000000000000000000000000000000000000000000000000000000000000000000000000,"
                       "\"AES-GCM-256 with 16 octet ICV [RFC5282]\",\"\",,\"NONE [RFC4306]\"\n"
                       "01,02,03,04,\"3DES [RFC2451]\",05,06,\"HMAC_MD5_96 [RFC2403]\"\n"
                       "01,02,03,04,\"AES-CBC-128 [RFC3602]\",05,06,\"HMAC_SHA1_96 [RFC2404]\"\n";
    ck_assert_msg(read_text(&t, text, &err), "%s", err.text);
    ck_assert_uint_eq(t.n_ike, 1);
    ck_assert_uint_eq(t.n_foreign, 2);
    key_tables_clear(&t);
}
END_TEST

START_TEST(a_bad_file_adds_nothing)
{
    struct key_tables t = {0};
    struct error err = {0};
    ck_assert(!read_text(&t, "# a comment\n\n1,2,3\n", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "line 3: 3 fields"));
    ck_assert_uint_eq(t.n_ike, 0);
    key_tables_clear(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capture");
    TCase *tc = tcase_create("capture");
    tcase_add_loop_test(tc, link_layers_are_taken_off, 0, 7);
    tcase_add_test(tc, a_tag_of_too_many_is_another_protocol);
    tcase_add_test(tc, every_shorter_frame_is_cut_or_broken);
    tcase_add_test(tc, fragments_become_whole_in_any_order);
    tcase_add_test(tc, fragments_that_overlap_end_their_datagram);
    tcase_add_test(tc, a_flood_of_fragments_takes_the_place_of_the_oldest);
    tcase_add_test(tc, what_is_written_is_read_again);
    tcase_add_test(tc, quotes_and_foreign_algorithms_are_known);
    tcase_add_test(tc, a_bad_file_adds_nothing);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
