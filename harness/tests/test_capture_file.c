/* Capture files: pcapng of several interfaces, in either octet order; gzip; and what is damaged. */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "capture/file.h"

#include <check.h> /* last: it makes a macro of fail */
#undef fail

enum { INTERFACE = 1, OLD_PACKET = 2, SIMPLE = 3, NAMES = 4, ENHANCED = 6 };

struct file {
    uint8_t octets[2048];
    size_t len;
    bool swapped;
};

static void add16(struct file *f, uint16_t v)
{
    if (f->swapped)
        v = __builtin_bswap16(v);
    memcpy(f->octets + f->len, &v, sizeof v);
    f->len += sizeof v;
}

static void add32(struct file *f, uint32_t v)
{
    if (f->swapped)
        v = __builtin_bswap32(v);
    memcpy(f->octets + f->len, &v, sizeof v);
    f->len += sizeof v;
}

static void add(struct file *f, const void *octets, size_t len)
{
    memcpy(f->octets + f->len, octets, len);
    f->len += len;
    while (f->len % 4)
        f->octets[f->len++] = 0;
}

static size_t begin(struct file *f, uint32_t type)
{
    add32(f, type);
    add32(f, 0);
    return f->len - 8;
}

static void end(struct file *f, size_t at)
{
    uint32_t len = (uint32_t)(f->len + 4 - at);
    struct file patch = {.swapped = f->swapped};
    add32(f, len);
    add32(&patch, len);
    memcpy(f->octets + at + 4, patch.octets, 4);
}

static void add_section(struct file *f)
{
    size_t at = begin(f, 0x0a0d0d0a);
    add32(f, 0x1a2b3c4d);
    add16(f, 1);
    add16(f, 0);
    add32(f, UINT32_MAX);
    add32(f, UINT32_MAX);
    end(f, at);
}

/* `resolution` 0: without this option */
static void add_interface(struct file *f, uint16_t link_type, uint8_t resolution, uint32_t offset_s)
{
    size_t at = begin(f, INTERFACE);
    add16(f, link_type);
    add16(f, 0);
    add32(f, 5); /* snap length */
    add16(f, 2); /* a name */
    add16(f, 3);
    add(f, "lan", 3);
    if (resolution) {
        add16(f, 9);
        add16(f, 1);
        add(f, &resolution, 1);
    }
    if (offset_s) {
        add16(f, 14);
        add16(f, 8);
        add32(f, f->swapped ? 0 : offset_s);
        add32(f, f->swapped ? offset_s : 0);
    }
    add32(f, 0);
    end(f, at);
}

static void add_packet(struct file *f, uint32_t interface, uint64_t ticks, const char *octets)
{
    size_t at = begin(f, ENHANCED), len = strlen(octets);
    add32(f, interface);
    add32(f, (uint32_t)(ticks >> 32));
    add32(f, (uint32_t)ticks);
    add32(f, (uint32_t)len);
    add32(f, (uint32_t)len + 100);
    add(f, octets, len);
    add16(f, 1); /* a comment */
    add16(f, 4);
    add(f, "text", 4);
    add32(f, 0);
    end(f, at);
}

static struct capture_file *open_octets(const void *octets, size_t len, bool packed, struct error *err)
{
    char path[] = "/tmp/capture_file_XXXXXX";
    int fd = mkstemp(path);
    gzFile gz = packed ? gzdopen(fd, "wb") : NULL;
    ck_assert_int_ge(fd, 0);
    if (gz) {
        ck_assert_int_eq(gzwrite(gz, octets, (unsigned)len), (int)len);
        gzclose(gz);
    } else {
        ck_assert_int_eq(write(fd, octets, len), (ssize_t)len);
        close(fd);
    }
    struct capture_file *f = capture_file_open(path, err);
    unlink(path);
    return f;
}

static void check_next(struct capture_file *f, int link_type, int64_t at_us, const char *octets)
{
    struct file_frame got;
    ck_assert_msg(capture_file_next(f, &got), "%s", capture_file_flaw(f) ? capture_file_flaw(f) : "the end");
    ck_assert_int_eq(got.link_type, link_type);
    ck_assert_int_eq(got.at_us, at_us);
    ck_assert_uint_eq(got.octets.len, strlen(octets));
    ck_assert_mem_eq(got.octets.at, octets, got.octets.len);
}

static void check_end(struct capture_file *f, const char *flaw)
{
    struct file_frame got;
    ck_assert(!capture_file_next(f, &got));
    if (flaw)
        ck_assert_ptr_nonnull(strstr(capture_file_flaw(f), flaw));
    else
        ck_assert_ptr_null(capture_file_flaw(f));
    capture_file_close(f);
}

/* Interfaces of four link types and clocks, other blocks between them, and a section in the other order. */
static struct file mixed(bool swapped)
{
    struct file f = {.swapped = swapped};
    add_section(&f);
    add_interface(&f, 1, 0, 0);
    add_interface(&f, 113, 9, 0);
    add_interface(&f, 101, 0x80 | 20, 0);
    add_interface(&f, 108, 3, 1000);
    end(&f, (begin(&f, NAMES)));
    add_packet(&f, 0, 1700000000123456, "abcd");
    add_packet(&f, 1, 1700000000123457999, "efg");
    add_packet(&f, 2, ((uint64_t)1700000000 << 20) + (1 << 19), "h");
    add_packet(&f, 3, 5500, "ijkl");
    size_t at = begin(&f, SIMPLE); /* without a time, cut by the snap length */
    add32(&f, 9);
    add(&f, "mnopq", 5);
    end(&f, at);
    at = begin(&f, OLD_PACKET);
    add16(&f, 1);
    add16(&f, 0);
    add32(&f, 0);
    add32(&f, 7000);
    add32(&f, 2);
    add32(&f, 2);
    add(&f, "rs", 2);
    end(&f, at);
    f.swapped = !swapped;
    add_section(&f);
    add_interface(&f, 276, 0, 0);
    add_packet(&f, 0, 8, "t");
    return f;
}

static void check_mixed(const struct file *m, bool packed)
{
    struct error err = {0};
    struct capture_file *f = open_octets(m->octets, m->len, packed, &err);
    ck_assert_msg(f != NULL, "%s", err.text);
    check_next(f, DLT_EN10MB, 1700000000123456, "abcd");
    check_next(f, DLT_LINUX_SLL, 1700000000123457, "efg");
    check_next(f, DLT_RAW, 1700000000500000, "h");
    check_next(f, DLT_LOOP, 1005500000, "ijkl");
    check_next(f, DLT_EN10MB, 1005500000, "mnopq");
    check_next(f, DLT_LINUX_SLL, 7, "rs");
    check_next(f, DLT_LINUX_SLL2, 8, "t");
    check_end(f, NULL);
}

START_TEST(interfaces_have_a_link_type_and_a_clock_of_their_own)
{
    const struct file m = mixed(_i & 1);
    check_mixed(&m, _i & 2);
}
END_TEST

START_TEST(what_stands_before_a_torn_end_is_read)
{
    const struct file m = mixed(false);
    struct file_frame got;
    for (size_t len = 4; len < m.len; len++) {
        struct capture_file *f = open_octets(m.octets, len, len % 2, NULL);
        ck_assert_ptr_nonnull(f);
        unsigned n = 0;
        while (capture_file_next(f, &got))
            n++;
        ck_assert_uint_lt(n, 7);
        capture_file_close(f);
    }
}
END_TEST

START_TEST(a_packed_file_that_ends_early_says_so)
{
    const struct file m = mixed(false);
    uint8_t packed[4096];
    char path[] = "/tmp/capture_file_XXXXXX";
    int fd = mkstemp(path);
    gzFile gz = gzdopen(dup(fd), "wb0");
    ck_assert_int_eq(gzwrite(gz, m.octets, (unsigned)m.len), (int)m.len);
    gzclose(gz);
    ssize_t len = pread(fd, packed, sizeof packed, 0);
    close(fd);
    unlink(path);
    struct capture_file *f = open_octets(packed, (size_t)len - 30, false, NULL);
    struct file_frame got;
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 6; i++)
        ck_assert(capture_file_next(f, &got));
    check_end(f, "gzip data ends early");
}
END_TEST

static void check_broken(const struct file *m, const char *flaw)
{
    struct capture_file *f = open_octets(m->octets, m->len, false, NULL);
    ck_assert_ptr_nonnull(f);
    check_end(f, flaw);
}

START_TEST(blocks_that_cannot_be_are_named)
{
    struct file f = {0};
    add_section(&f);
    add_packet(&f, 3, 1, "a");
    check_broken(&f, "interface 3");

    f = (struct file){0};
    add_section(&f);
    add32(&f, ENHANCED);
    add32(&f, 0x7ffffffc);
    check_broken(&f, "block 2 says a length of 2147483644 octets");

    f = (struct file){0};
    add_section(&f);
    add_interface(&f, 1, 0, 0);
    size_t at = begin(&f, ENHANCED);
    for (int i = 0; i < 4; i++)
        add32(&f, i == 3 ? 100 : 0);
    add32(&f, 100);
    end(&f, at);
    check_broken(&f, "longer than its block");

    f = (struct file){0};
    add_section(&f);
    add32(&f, INTERFACE);
    add32(&f, 12);
    add32(&f, 12);
    check_broken(&f, "without a link type");
}
END_TEST

START_TEST(what_is_no_capture_is_refused)
{
    struct error err = {0};
    ck_assert_ptr_null(open_octets("no capture at all, but some text", 32, false, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "pcap and pcapng are read"));
    ck_assert_ptr_null(open_octets("", 0, false, &err));
    ck_assert_ptr_null(capture_file_open("/nonexistent/x.pcap", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capture_file");
    TCase *tc = tcase_create("capture_file");
    tcase_add_loop_test(tc, interfaces_have_a_link_type_and_a_clock_of_their_own, 0, 4);
    tcase_add_test(tc, what_stands_before_a_torn_end_is_read);
    tcase_add_test(tc, a_packed_file_that_ends_early_says_so);
    tcase_add_test(tc, blocks_that_cannot_be_are_named);
    tcase_add_test(tc, what_is_no_capture_is_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
