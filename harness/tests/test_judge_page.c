/* The page of the judge: nothing of a capture becomes markup, and it stays small however many IKE SAs there
 * are. */
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/cleanup.h"
#include "evidence/pcap.h"
#include "ike/protect.h"
#include "reports/html/judge_page.h"

#include <check.h> /* last: it makes a macro of fail */
#undef fail

#define HOSTILE "<img src=x onerror=alert(1)>]]></script><!--"

struct scene {
    char folder[64], path[128];
    struct pcap_writer *out;
    struct ike_evidence_keys keys;
    struct random_source random;
    int64_t at_us;
};

static struct scene *scene_new(const char *name)
{
    struct scene *s = calloc(1, sizeof *s);
    strcpy(s->folder, "/tmp/judge_page.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->folder));
    snprintf(s->path, sizeof s->path, "%s/%s", s->folder, name);
    s->out = pcap_writer_open(s->path, 0, NULL);
    ck_assert_ptr_nonnull(s->out);
    s->keys.suite = (struct cipher_suite){.encr = ENCR_AES_GCM_16, .encr_key_bits = 128};
    memset(s->keys.spi_i, 1, 8);
    memset(s->keys.spi_r, 2, 8);
    s->random = random_from_seed(1);
    return s;
}

static void scene_free(struct scene *s)
{
    unlink(s->path);
    rmdir(s->folder);
    free(s);
    crypto_cleanup();
}

static void put(struct scene *s, bool response, struct octets message)
{
    struct endpoint ends[2] = {{.family = 4, .address = {192, 0, 2, 1}, .port = 500},
                               {.family = 4, .address = {192, 0, 2, 2}, .port = 500}};
    struct datagram d;
    ck_assert(datagram_make(&d, &ends[response], &ends[!response], message));
    ck_assert(pcap_writer_add(s->out, &d, s->at_us += 1000, NULL));
    datagram_clear(&d);
}

/* IKE_AUTH with an identity and a notify that want to be markup. */
static void put_hostile(struct scene *s)
{
    uint8_t room[512], data[256];
    struct writer w = writer_into(room, sizeof room), chain = writer_into(data, sizeof data);
    struct payload_writer p = payloads_into(&chain);
    struct ike_header h = {
        .version = IKE_VERSION, .exchange = EXCHANGE_IKE_AUTH, .flags = IKE_FLAG_INITIATOR, .message_id = 1};
    memcpy(h.spi_i, s->keys.spi_i, 8);
    memcpy(h.spi_r, s->keys.spi_r, 8);
    write_payload_id(&p, PAYLOAD_IDI, 2, octets_of_text(HOSTILE));
    write_payload_notify(&p, &(struct wire_notify){.type = 40000, .data = octets_of_text(HOSTILE)});
    ck_assert(ike_seal(&s->keys.suite, &s->keys.from_initiator, &h, p.first, writer_octets(&chain),
                       &s->random, &w, NULL));
    put(s, false, writer_octets(&w));
}

/* An answer that nobody asked for: something is found in each. */
static void put_stray(struct scene *s, unsigned n)
{
    uint8_t room[64];
    for (unsigned id = 5; id > 3; id--) {
        struct writer w = writer_into(room, sizeof room);
        struct ike_header h = {.version = IKE_VERSION, .exchange = EXCHANGE_INFORMATIONAL, .message_id = id};
        h.flags = (uint8_t)(id == 5 ? 0 : IKE_FLAG_INITIATOR);
        memcpy(h.spi_i, &n, sizeof n);
        h.spi_i[7] = 7;
        write_ike_header(&w, &h);
        ike_finish_message(&w, 0, PAYLOAD_NONE);
        put(s, false, writer_octets(&w));
    }
}

static char *page_of(struct scene *s, size_t *len)
{
    const char *paths[] = {s->path};
    const struct capture_options what = {.paths = paths, .n_paths = 1};
    struct key_tables tables = {.ike = &s->keys, .n_ike = 1};
    const struct judge_options options = {.keys = &tables};
    struct captured c;
    char *page = NULL;
    ck_assert(pcap_writer_close(s->out, NULL));
    struct capture *capture = capture_open(&what, NULL);
    struct judge *j = judge_open(&options);
    ck_assert(capture && j);
    while (capture_next(capture, &c))
        judge_take(j, &c);
    const struct judge_report report = {judge_finish(j), capture, &tables, options.lossy};
    FILE *out = open_memstream(&page, len);
    judge_report_html(&report, out);
    fclose(out);
    judge_close(j);
    capture_close(capture);
    return page;
}

START_TEST(what_a_capture_says_stays_text)
{
    struct scene *s = scene_new("<img src=x onerror=alert(2)>.pcap");
    size_t len;
    put_hostile(s);
    char *page = page_of(s, &len);
    ck_assert_ptr_null(strstr(page, "<img"));
    ck_assert_ptr_nonnull(strstr(page, "&lt;img src=x onerror=alert(1)&gt;"));
    ck_assert_ptr_nonnull(strstr(page, "&lt;img src=x onerror=alert(2)&gt;.pcap"));
    xmlDocPtr document = xmlReadMemory(page, (int)len, "page", NULL, XML_PARSE_NONET);
    ck_assert_ptr_nonnull(document);
    xmlFreeDoc(document);
    xmlCleanupParser();
    free(page);
    scene_free(s);
}
END_TEST

START_TEST(a_page_of_many_ike_sas_is_bounded)
{
    struct scene *s = scene_new("many.pcap");
    size_t len;
    for (unsigned n = 0; n < 3 * JUDGE_PAGE_SAS; n++)
        put_stray(s, n);
    char *page = page_of(s, &len);
    ck_assert_uint_lt(len, 4 << 20);
    ck_assert_ptr_nonnull(strstr(page, "IKE SAs more"));
    free(page);
    scene_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judge_page");
    TCase *c = tcase_create("judge_page");
    tcase_add_test(c, what_a_capture_says_stays_text);
    tcase_add_test(c, a_page_of_many_ike_sas_is_bounded);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
