/* Captures and key files, read back by those who must understand them: libpcap and tshark. */
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/registry.h"
#include "evidence/keys.h"
#include "evidence/pcap.h"
#include "ike/protect.h"

#include <check.h> /* last: it has a macro named fail */

static char folder[64], capture[128], key_file[128];
static struct error err;
static struct endpoint member4, peer4, member6, peer6;

static void set_up(void)
{
    strcpy(folder, "/tmp/test_evidence.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(capture, sizeof capture, "%s/case.pcap", folder);
    snprintf(key_file, sizeof key_file, "%s/ikev2_decryption_table", folder);
    ck_assert(endpoint_parse("192.0.2.1", 500, &member4, &err));
    ck_assert(endpoint_parse("192.0.2.2", 500, &peer4, &err));
    ck_assert(endpoint_parse("2001:db8::1", 4500, &member6, &err));
    ck_assert(endpoint_parse("2001:db8::2", 4500, &peer6, &err));
}

static void tear_down(void)
{
    unlink(capture);
    unlink(key_file);
    rmdir(folder);
}

/* --- captures ------------------------------------------------------------------------------------ */

static unsigned add(struct pcap_writer *w, const struct endpoint *from, const struct endpoint *to,
                    struct octets payload, int64_t wall_us)
{
    struct datagram d;
    ck_assert(datagram_make(&d, from, to, payload));
    unsigned number = pcap_writer_add(w, &d, wall_us, &err);
    datagram_clear(&d);
    return number;
}

static struct pcap_writer *open_capture(unsigned packets_before)
{
    struct pcap_writer *w = pcap_writer_open(capture, packets_before, &err);
    ck_assert_msg(w != NULL, "%s", err.text);
    return w;
}

static unsigned count_packets(void)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *p = pcap_open_offline(capture, why);
    ck_assert_msg(p != NULL, "%s", why);
    struct pcap_pkthdr *h;
    const u_char *octets;
    unsigned count = 0;
    int got;
    while ((got = pcap_next_ex(p, &h, &octets)) == 1)
        count++;
    ck_assert_msg(got == PCAP_ERROR_BREAK, "%s", pcap_geterr(p));
    pcap_close(p);
    return count;
}

START_TEST(a_packet_reads_back_with_headers_and_time)
{
    struct pcap_writer *w = open_capture(0);
    ck_assert_uint_eq(add(w, &member4, &peer4, octets_of_text("abc"), 1700000000123456), 1);

    /* before it is closed: every packet is flushed */
    char why[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *h;
    const u_char *at;
    pcap_t *p = pcap_open_offline_with_tstamp_precision(capture, PCAP_TSTAMP_PRECISION_MICRO, why);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(pcap_datalink(p), DLT_RAW);
    ck_assert_int_eq(pcap_next_ex(p, &h, &at), 1);
    ck_assert_int_eq(h->ts.tv_sec, 1700000000);
    ck_assert_int_eq(h->ts.tv_usec, 123456);
    /* clang-format off */
    static const uint8_t expected[] = {
        0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17, 0xb6, 0xca, /* IPv4, 31 octets, DF, TTL 64, UDP, checksum */
        192, 0, 2, 1, 192, 0, 2, 2,                        /* from, to */
        0x01, 0xf4, 0x01, 0xf4, 0, 11, 0xb3, 0x89,         /* ports, length, checksum */
        'a', 'b', 'c',
    };
    /* clang-format on */
    ck_assert_uint_eq(h->caplen, sizeof expected);
    ck_assert_uint_eq(h->len, sizeof expected);
    ck_assert_mem_eq(at, expected, sizeof expected);
    ck_assert_int_eq(pcap_next_ex(p, &h, &at), PCAP_ERROR_BREAK);
    pcap_close(p);
    ck_assert(pcap_writer_close(w, &err));
}
END_TEST

START_TEST(numbers_go_on_when_a_file_is_appended_to)
{
    struct pcap_writer *w = open_capture(0);
    ck_assert_uint_eq(add(w, &member4, &peer4, octets_of_text("a"), 1), 1);
    ck_assert_uint_eq(add(w, &member6, &peer6, octets_of_text(""), 2), 2);
    ck_assert(pcap_writer_close(w, &err));
    w = open_capture(2);
    ck_assert_uint_eq(pcap_writer_count(w), 2);
    ck_assert_uint_eq(add(w, &peer4, &member4, octets_of_text("b"), 3), 3);
    ck_assert(pcap_writer_close(w, &err));
    ck_assert_uint_eq(count_packets(), 3);
}
END_TEST

START_TEST(a_file_cut_by_a_kill_is_repaired_before_appending)
{
    struct pcap_writer *w = open_capture(0);
    add(w, &member4, &peer4, octets_of_text("first"), 1);
    add(w, &member4, &peer4, octets_of_text("second"), 2);
    ck_assert(pcap_writer_close(w, &err));
    struct stat st;
    ck_assert_int_eq(stat(capture, &st), 0);
    ck_assert_int_eq(truncate(capture, st.st_size - 3), 0);

    w = open_capture(1);
    ck_assert_uint_eq(add(w, &member4, &peer4, octets_of_text("third"), 3), 2);
    ck_assert(pcap_writer_close(w, &err));
    ck_assert_uint_eq(count_packets(), 2);
}
END_TEST

START_TEST(a_capture_is_not_inherited_by_drivers)
{
    struct pcap_writer *w = open_capture(0);
    struct stat file, st;
    ck_assert_int_eq(stat(capture, &file), 0);
    unsigned seen = 0;
    for (int fd = 3; fd < 64; fd++) {
        if (fstat(fd, &st) != 0 || st.st_ino != file.st_ino || st.st_dev != file.st_dev)
            continue;
        ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        seen++;
    }
    ck_assert_uint_eq(seen, 1);
    ck_assert(pcap_writer_close(w, &err));
}
END_TEST

START_TEST(lost_evidence_and_foreign_files_are_refused)
{
    ck_assert_ptr_null(pcap_writer_open(capture, 4, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "gone"));
    struct pcap_writer *w = open_capture(0);
    add(w, &member4, &peer4, octets_of_text("a"), 1);
    ck_assert(pcap_writer_close(w, &err));
    ck_assert_ptr_null(pcap_writer_open(capture, 2, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "holds 1 packets, not the 2"));

    FILE *f = fopen(capture, "w");
    fputs("this is a text, and a long one, of no use to a reader of captures", f);
    fclose(f);
    ck_assert_ptr_null(pcap_writer_open(capture, 0, &err));
    ck_assert_ptr_null(pcap_writer_open("/nonexistent/case.pcap", 0, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/case.pcap"));
}
END_TEST

START_TEST(the_largest_datagrams_fit_and_larger_ones_are_refused)
{
    uint8_t *big = calloc(1, 65536);
    struct pcap_writer *w = open_capture(0);
    ck_assert_uint_eq(add(w, &member4, &peer4, octets_of(big, 65507), 1), 1);
    ck_assert_uint_eq(add(w, &member4, &peer4, octets_of(big, 65508), 2), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "65507"));
    ck_assert_uint_eq(add(w, &member6, &peer6, octets_of(big, 65527), 3), 2);
    ck_assert_uint_eq(add(w, &member6, &peer6, octets_of(big, 65528), 4), 0);
    ck_assert_uint_eq(add(w, &member6, &peer4, octets_of(big, 1), 5), 0);
    ck_assert(pcap_writer_close(w, &err));
    ck_assert_uint_eq(count_packets(), 2);
    free(big);
}
END_TEST

START_TEST(a_full_disk_is_told_and_leaves_a_readable_file)
{
    ck_assert_ptr_null(pcap_writer_open("/dev/full", 0, &err));
    ck_assert_ptr_nonnull(strstr(err.text, strerror(ENOSPC)));

    signal(SIGXFSZ, SIG_IGN);
    uint8_t payload[200] = {0};
    struct pcap_writer *w = open_capture(0);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    struct rlimit small = {.rlim_cur = 24 + 244 + 100, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    unsigned first = add(w, &member4, &peer4, octets_of(payload, sizeof payload), 1);
    unsigned second = add(w, &member4, &peer4, octets_of(payload, sizeof payload), 2);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_uint_eq(first, 1);
    ck_assert_uint_eq(second, 0);
    ck_assert_str_eq(err.text, "capture: packet 2: File too large");
    ck_assert_uint_eq(count_packets(), 1);

    /* with disk again, writing goes on */
    ck_assert_uint_eq(add(w, &member4, &peer4, octets_of_text("again"), 3), 2);
    ck_assert(pcap_writer_close(w, &err));
    ck_assert_uint_eq(count_packets(), 2);
}
END_TEST

/* --- key files ----------------------------------------------------------------------------------- */

static const struct cipher_suite gcm_256 = {ENCR_AES_GCM_16, 256, INTEG_NONE};
static const struct cipher_suite chacha = {ENCR_CHACHA20_POLY1305, 0, INTEG_NONE};

/* Other keys and SPIs for each `n`. */
static struct ike_evidence_keys keys_numbered(unsigned n, const struct cipher_suite *suite)
{
    struct ike_evidence_keys k = {.suite = *suite};
    struct random_source random = random_from_seed(n);
    random_fill(&random, k.spi_i, sizeof k.spi_i);
    random_fill(&random, k.spi_r, sizeof k.spi_r);
    random_fill(&random, &k.from_initiator, sizeof k.from_initiator);
    random_fill(&random, &k.from_responder, sizeof k.from_responder);
    return k;
}

static void add_keys(const struct ike_evidence_keys *k)
{
    ck_assert_msg(ikev2_decryption_table_add(key_file, k, &err), "%s", err.text);
}

START_TEST(a_key_line_has_wiresharks_form)
{
    struct ike_evidence_keys k = {.spi_i = {1, 2, 3}, .spi_r = {0xff}, .suite = gcm_256};
    k.from_initiator.encr[0] = 0xab;
    k.from_responder.encr[35] = 0xcd;
    add_keys(&k);
    FILE *f = fopen(key_file, "r");
    char line[512];
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    fclose(f);
    ck_assert_str_eq(line, "0102030000000000,ff00000000000000,"
                           "ab0000000000000000000000000000000000000000000000000000000000000000000000,"
                           "0000000000000000000000000000000000000000000000000000000000000000000000cd,"
                           "\"AES-GCM-256 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\"\n");
}
END_TEST

START_TEST(a_key_file_is_private_whatever_the_umask)
{
    static const mode_t masks[] = {0, 0777};
    struct ike_evidence_keys k = keys_numbered(1, &gcm_256);
    for (size_t i = 0; i < 2; i++) {
        mode_t before = umask(masks[i]);
        add_keys(&k);
        umask(before);
        struct stat st;
        ck_assert_int_eq(stat(key_file, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        unlink(key_file);
    }
}
END_TEST

START_TEST(key_file_errors_are_told)
{
    struct ike_evidence_keys k = keys_numbered(1, &gcm_256);
    ck_assert(!ikev2_decryption_table_add("/dev/full", &k, &err));
    ck_assert_str_eq(err.text, "key file /dev/full: No space left on device");
    k.suite.encr = ENCR_AES_CBC;
    ck_assert(!ikev2_decryption_table_add(key_file, &k, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "encryption 12 with 256 bits and integrity 0"));
}
END_TEST

/* --- tshark -------------------------------------------------------------------------------------- */

/* Runs tshark over the capture with the key file; it is a dependency of the tests, so its absence fails them.
 */
static void tshark(const char *arguments, char *out, size_t size)
{
    char command[512];
    snprintf(command, sizeof command, "WIRESHARK_CONFIG_DIR=%s tshark -r %s %s 2>%s/stderr", folder, capture,
             arguments, folder);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t len = fread(out, 1, size - 1, f);
    out[len] = '\0';
    int status = pclose(f);
    char said[128];
    snprintf(said, sizeof said, "%s/stderr", folder);
    unlink(said);
    ck_assert_msg(status == 0, "tshark is needed by this test and did not run: status %d", status);
}

/* INFORMATIONAL { N(IKEV2_MESSAGE_ID_SYNC) } in one direction of the SA, with a non-ESP marker on port 4500.
 */
static void capture_sync(struct pcap_writer *w, const struct ike_evidence_keys *k, bool from_initiator)
{
    static const uint8_t data[12] = {1, 2, 3, 4, 0, 0, 0, 7, 0, 0, 0, 3};
    const struct endpoint *from = from_initiator ? &member4 : &peer6,
                          *to = from_initiator ? &peer4 : &member6;
    struct ike_header h = {.version = IKE_VERSION, .exchange = EXCHANGE_INFORMATIONAL};
    h.flags = from_initiator ? IKE_FLAG_INITIATOR : IKE_FLAG_RESPONSE;
    memcpy(h.spi_i, k->spi_i, IKE_SPI_LEN);
    memcpy(h.spi_r, k->spi_r, IKE_SPI_LEN);

    uint8_t inner[64], message[256];
    struct writer iw = writer_into(inner, sizeof inner), mw = writer_into(message, sizeof message);
    struct payload_writer p = payloads_into(&iw);
    write_payload_notify(&p, &(struct wire_notify){.type = NOTIFY_IKEV2_MESSAGE_ID_SYNC,
                                                   .data = octets_of(data, sizeof data)});
    if (from->port == 4500)
        write_zeros(&mw, 4);
    struct writer sealed = writer_into(mw.at + mw.len, mw.capacity - mw.len);
    struct random_source random = random_from_seed(42);
    ck_assert_msg(ike_seal(&k->suite, from_initiator ? &k->from_initiator : &k->from_responder, &h, p.first,
                           writer_octets(&iw), &random, &sealed, &err),
                  "%s", err.text);
    ck_assert_uint_ne(add(w, from, to, octets_of(message, mw.len + sealed.len), 1700000000000000), 0);
}

static const struct cipher_suite suites[] = {
    {ENCR_AES_GCM_16, 256, INTEG_NONE},           {ENCR_AES_GCM_16, 128, INTEG_NONE},
    {ENCR_AES_GCM_12, 192, INTEG_NONE},           {ENCR_AES_GCM_8, 128, INTEG_NONE},
    {ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128}, {ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_512_256},
    {ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_384_192}, {ENCR_NULL, 0, INTEG_HMAC_SHA2_256_128},
};

START_TEST(tshark_decrypts_with_the_written_table)
{
    struct pcap_writer *w = open_capture(0);
    struct ike_evidence_keys k = keys_numbered(7, &suites[_i]);
    capture_sync(w, &k, true);
    capture_sync(w, &k, false);
    ck_assert(pcap_writer_close(w, &err));
    static const char fields[] = "-T fields -e isakmp.notify.msgtype -e isakmp.notify.data";
    static char out[4096];

    tshark(fields, out, sizeof out);
    ck_assert_msg(!strstr(out, "16422"), "decrypted without keys: %s", out);
    add_keys(&k);
    tshark(fields, out, sizeof out);
    ck_assert_str_eq(out, "16422\t010203040000000700000003\n16422\t010203040000000700000003\n");
}
END_TEST

START_TEST(a_chacha20_line_does_not_spoil_the_others)
{
    struct pcap_writer *w = open_capture(0);
    struct ike_evidence_keys before = keys_numbered(1, &gcm_256), between = keys_numbered(2, &chacha),
                             after = keys_numbered(3, &gcm_256);
    add_keys(&before);
    add_keys(&between);
    add_keys(&after);
    capture_sync(w, &before, true);
    capture_sync(w, &after, true);
    ck_assert(pcap_writer_close(w, &err));
    static char out[4096];
    tshark("-T fields -e isakmp.notify.msgtype", out, sizeof out);
    ck_assert_str_eq(out, "16422\n16422\n");
}
END_TEST

START_TEST(tshark_finds_all_checksums_right)
{
    struct pcap_writer *w = open_capture(0);
    uint8_t payload[1501];
    struct random_source random = random_from_seed(5);
    for (int i = 0; i < 40; i++) {
        size_t len = random_below(&random, sizeof payload);
        random_fill(&random, payload, len);
        ck_assert_uint_ne(
            add(w, i % 2 ? &member4 : &member6, i % 2 ? &peer4 : &peer6, octets_of(payload, len), i), 0);
    }
    ck_assert(pcap_writer_close(w, &err));
    static char out[65536];
    tshark("-o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -Y 'udp.checksum.status == 1'"
           " -T fields -e frame.number",
           out, sizeof out);
    size_t good = 0;
    for (const char *c = out; *c; c++)
        good += *c == '\n';
    ck_assert_uint_eq(good, 40);
    tshark("-o ip.check_checksum:TRUE -Y 'ip.checksum.status == 0' -T fields -e frame.number", out,
           sizeof out);
    ck_assert_str_eq(out, "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evidence");
    TCase *t = tcase_create("files");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_packet_reads_back_with_headers_and_time);
    tcase_add_test(t, numbers_go_on_when_a_file_is_appended_to);
    tcase_add_test(t, a_file_cut_by_a_kill_is_repaired_before_appending);
    tcase_add_test(t, a_capture_is_not_inherited_by_drivers);
    tcase_add_test(t, lost_evidence_and_foreign_files_are_refused);
    tcase_add_test(t, the_largest_datagrams_fit_and_larger_ones_are_refused);
    tcase_add_test(t, a_full_disk_is_told_and_leaves_a_readable_file);
    tcase_add_test(t, a_key_line_has_wiresharks_form);
    tcase_add_test(t, a_key_file_is_private_whatever_the_umask);
    tcase_add_test(t, key_file_errors_are_told);
    tcase_add_loop_test(t, tshark_decrypts_with_the_written_table, 0, sizeof suites / sizeof suites[0]);
    tcase_add_test(t, a_chacha20_line_does_not_spoil_the_others);
    tcase_add_test(t, tshark_finds_all_checksums_right);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
