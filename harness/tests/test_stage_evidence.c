/* What a combination leaves behind: the capture, the keys, the journal; and that the same seed gives the same
 * octets. */
#include <check.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/cleanup.h"
#include "tests/stage_story.h"

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/understudy-stage-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static unsigned turn;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static void remove_folder(void)
{
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));)
        unlink(in_folder(e->d_name));
    if (d)
        closedir(d);
    rmdir(folder);
}

static char *file_octets(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *at = malloc(1 << 20);
    ck_assert_msg(f != NULL, "%s", path);
    *len = fread(at, 1, 1 << 20, f);
    fclose(f);
    return at;
}

static struct played play_and_keep(const struct test_case *tc, uint64_t seed, char **pcap, size_t *len)
{
    struct stub *s = stub_new();
    struct played p;
    make_folder();
    play_into(&p, &s->driver, tc, ROLE_RESPONDER, seed, folder);
    *pcap = file_octets(in_folder("wire.pcap"), len);
    remove_folder();
    free(s);
    return p;
}

START_TEST(the_same_seed_gives_the_same_octets)
{
    char *pcap[3];
    size_t len[3];
    struct played p[3];
    for (unsigned i = 0; i < 3; i++)
        p[i] = play_and_keep(&stale_and_on, i < 2 ? 5 : 6, &pcap[i], &len[i]);
    ck_assert_uint_gt(len[0], 1000);
    ck_assert_uint_eq(len[0], len[1]);
    ck_assert_mem_eq(pcap[0], pcap[1], len[0]);
    ck_assert_str_eq(p[0].journal, p[1].journal);
    ck_assert_int_eq(p[0].end_us, p[1].end_us);
    ck_assert(len[2] != len[0] || memcmp(pcap[0], pcap[2], len[0]) != 0);
    ck_assert_str_ne(p[0].journal, p[2].journal);
    for (unsigned i = 0; i < 3; i++) {
        expect_verdict(&p[i], VERDICT_PASS, 0);
        played_clear(&p[i]);
        free(pcap[i]);
    }
}
END_TEST

START_TEST(evidence_is_left_and_keys_are_for_the_owner)
{
    struct stub *s = stub_new();
    struct played p;
    struct stat st;
    make_folder();
    mode_t mask = umask(0);
    play_into(&p, &s->driver, &stale, ROLE_INITIATOR, 1, folder);
    umask(mask);
    expect_verdict(&p, VERDICT_PASS, 0);
    ck_assert_int_eq(stat(in_folder("ikev2_decryption_table"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_gt(st.st_size, 100);
    ck_assert_int_eq(stat(in_folder("wire.pcap"), &st), 0);
    ck_assert_uint_eq(p.outcome.first_packet, 1);
    ck_assert_uint_gt(p.outcome.last_packet, 10);
    /* CTX-4: no key is in the journal */
    size_t len;
    char *keys = file_octets(in_folder("ikev2_decryption_table"), &len);
    keys[len] = '\0';
    strtok(keys, ",");
    strtok(NULL, ",");
    for (unsigned i = 0; i < 2; i++) {
        const char *key = strtok(NULL, ",");
        ck_assert_uint_ge(strlen(key), 64);
        ck_assert_ptr_null(strstr(p.journal, key));
    }
    free(keys);
    played_clear(&p);
    remove_folder();
    free(s);
}
END_TEST

/* A second combination appends to the first one's capture. */
START_TEST(packets_are_numbered_on)
{
    struct stub *s = stub_new();
    struct played first, second = {0};
    make_folder();
    play_into(&first, &s->driver, &stale, ROLE_INITIATOR, 1, folder);
    const struct combination combination = {.value = {[AXIS_ROLE] = ROLE_RESPONDER}};
    const struct play_options options = {.test_case = &stale,
                                         .combination = &combination,
                                         .driver = &s->driver,
                                         .seed = 2,
                                         .folder = folder,
                                         .start_us = first.end_us,
                                         .packets_before = first.outcome.last_packet,
                                         .sink = {&second, note_line}};
    play_combination(&options, &second.outcome, &second.end_us);
    expect_verdict(&second, VERDICT_PASS, 0);
    ck_assert_uint_eq(second.outcome.first_packet, first.outcome.last_packet + 1);
    ck_assert_int_gt(second.end_us, first.end_us);
    ck_assert_uint_gt(check_of(&second, "SYNC-3")->packets[0], first.outcome.last_packet);
    played_clear(&first);
    played_clear(&second);
    remove_folder();
    free(s);
}
END_TEST

START_TEST(evidence_that_cannot_be_kept_is_an_error)
{
    struct stub *s = stub_new();
    struct played p;
    play_into(&p, &s->driver, &stale, ROLE_INITIATOR, 1, "/nowhere/at/all");
    expect_verdict(&p, VERDICT_ERROR, 0);
    ck_assert_ptr_nonnull(strstr(p.outcome.reason, "/nowhere/at/all/wire.pcap"));
    played_clear(&p);
    free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stage evidence");
    TCase *tc = tcase_create("stage evidence");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_same_seed_gives_the_same_octets);
    tcase_add_test(tc, evidence_is_left_and_keys_are_for_the_owner);
    tcase_add_test(tc, packets_are_numbered_on);
    tcase_add_test(tc, evidence_that_cannot_be_kept_is_an_error);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
