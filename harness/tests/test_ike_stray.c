/* What reaches no IKE SA, and what an end has to put up with (RFC 7296 1.5, 2.5, 2.21). */
#include "tests/ike_pair.h"

/* --- messages of no IKE SA ----------------------------------------------------------------------- */

/* A request that A wants sent, with its header changed. */
static struct datagram changed(struct pair *p, size_t at, uint8_t with)
{
    liveness(p, A);
    struct datagram d = take(p, A, ANY_MESSAGE);
    d.octets[at] ^= with;
    return d;
}

enum { SPI_R_AT = 8, VERSION_AT = 17, FLAGS_AT = 19 };

/* The answer in clear; NULL data: there is none. */
static uint16_t answered_with(struct pair *p, struct ike_header *h)
{
    struct datagram d;
    struct ike_payloads in;
    if (!ike_host_output(p->end[B].host, &d))
        return 0;
    struct octets message = without_marker(&d);
    ck_assert(ike_read_header(message, h, NULL));
    ck_assert(ike_read_payloads(h->next_payload, octets_of(message.at + 28, message.len - 28), &in, NULL));
    ck_assert_uint_eq(in.count, 1);
    ck_assert_uint_eq(in.list[0].type, PAYLOAD_NOTIFY);
    ck_assert_uint_eq(in.list[0].notify.data.len, 0);
    uint16_t type = in.list[0].notify.type;
    give(p, A, &d); /* changes nothing there: it is not protected */
    datagram_clear(&d);
    return type;
}

START_TEST(a_higher_version_is_named)
{
    struct pair *p = established_pair(1);
    struct ike_header h;
    struct datagram d = changed(p, VERSION_AT, 0x10); /* 3.0 */
    give(p, B, &d);
    ck_assert_uint_eq(answered_with(p, &h), NOTIFY_INVALID_MAJOR_VERSION);
    ck_assert_uint_eq(h.version, IKE_VERSION);
    ck_assert_uint_eq(h.flags, IKE_FLAG_RESPONSE);
    ck_assert_uint_eq(h.exchange, EXCHANGE_INFORMATIONAL);
    ck_assert_uint_eq(h.message_id, 2);
    for (unsigned i = 0; i < 5; i++)
        give(p, B, &d);
    ck_assert_uint_eq(answered_with(p, &h), 0); /* seldom */
    p->now_us += CLOCK_MS(1001);
    give(p, B, &d);
    ck_assert_uint_eq(answered_with(p, &h), NOTIFY_INVALID_MAJOR_VERSION);

    p->now_us += CLOCK_MS(1001);
    d.octets[FLAGS_AT] |= IKE_FLAG_RESPONSE; /* an answer is never answered */
    give(p, B, &d);
    ck_assert_uint_eq(answered_with(p, &h), 0);
    d.octets[FLAGS_AT] &= (uint8_t)~IKE_FLAG_RESPONSE;
    d.octets[VERSION_AT] = 0x10; /* IKEv1 has another answer, and no use for ours */
    give(p, B, &d);
    ck_assert_uint_eq(answered_with(p, &h), 0);
    datagram_clear(&d);
    wait_for_deadline(p);
    pump(p);
    check_alive(p, A);
    pair_free(p);
}
END_TEST

START_TEST(an_unknown_spi_is_named_on_demand)
{
    struct pair *p = pair_new(2);
    p->end[B].config.tell_invalid_spi = _i == 1;
    pair_start(p, NULL, NULL);
    establish(p);
    struct ike_header h;
    struct datagram d = changed(p, SPI_R_AT, 0x5a);
    for (unsigned i = 0; i < 3; i++)
        give(p, B, &d);
    ck_assert_uint_eq(answered_with(p, &h), _i == 1 ? NOTIFY_INVALID_IKE_SPI : 0);
    ck_assert_uint_eq(answered_with(p, &h), 0);
    if (_i == 1) {
        ck_assert_mem_eq(h.spi_r, d.octets + SPI_R_AT, IKE_SPI_LEN);
        ck_assert_uint_eq(h.flags, IKE_FLAG_RESPONSE);
        ck_assert_uint_eq(h.message_id, 2);
    }
    p->now_us += CLOCK_MS(1001);
    d.octets[FLAGS_AT] |= IKE_FLAG_RESPONSE;
    give(p, B, &d);
    ck_assert_uint_eq(answered_with(p, &h), 0);
    datagram_clear(&d);
    wait_for_deadline(p);
    pump(p);
    check_alive(p, A);
    pair_free(p);
}
END_TEST

/* --- what has to be put up with ------------------------------------------------------------------ */

static struct datagram seal(struct pair *p, uint8_t exchange, uint32_t id, const struct payload_writer *w)
{
    struct ike_header h = {.version = IKE_VERSION, .exchange = exchange, .flags = IKE_FLAG_INITIATOR};
    struct datagram d;
    h.message_id = id;
    ck_assert(ike_sa_seal(p->end[A].host, p->end[A].sa, &h, w->first, writer_octets(w->w), &d, NULL));
    return d;
}

START_TEST(strange_payloads_are_tolerated)
{
    struct pair *p = established_pair(3);
    uint8_t room[300], id[4] = {0, 0, 0, 9};
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer payloads = payloads_into(&w);
    const struct wire_notify strange[] = {
        {.type = NOTIFY_INVALID_MESSAGE_ID, .data = octets_of(id, sizeof id)}, /* SYNC-19 */
        {.type = 8000},  /* an error that nobody knows: in a request it is ignored (3.10.1) */
        {.type = 40000}, /* a status */
    };
    for (unsigned i = 0; i < sizeof strange / sizeof *strange; i++)
        write_payload_notify(&payloads, &strange[i]);
    write_payload_raw(&payloads, PAYLOAD_VENDOR, false, octets_of_text("nobody's vendor"));
    write_payload_raw(&payloads, 200, false, octets_of_text("not critical"));
    struct datagram d = seal(p, EXCHANGE_INFORMATIONAL, 2, &payloads);
    give(p, B, &d);
    lose(p, B, "INFORMATIONAL 2 response { }");
    datagram_clear(&d);
    check_counters(p, B, 0, 3);
    ck_assert(info_of(p, B).established);
    pair_free(p);
}
END_TEST

START_TEST(a_critical_payload_is_refused_by_name)
{
    struct pair *p = established_pair(4);
    uint8_t room[64];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer payloads = payloads_into(&w);
    write_payload_raw(&payloads, 200, true, octets_of_text("critical"));
    struct datagram d = seal(p, EXCHANGE_INFORMATIONAL, 2, &payloads);
    give(p, B, &d);
    lose(p, B, "INFORMATIONAL 2 response { N(UNSUPPORTED_CRITICAL_PAYLOAD) }");
    datagram_clear(&d);
    ck_assert(info_of(p, B).established);
    pair_free(p);
}
END_TEST

/* Nobody can answer what it does not know; the ID stays free for a request that it does. */
START_TEST(an_unknown_exchange_is_dropped)
{
    struct pair *p = established_pair(5);
    uint8_t room[8];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer payloads = payloads_into(&w);
    struct datagram d = seal(p, 99, 2, &payloads);
    give(p, B, &d);
    datagram_clear(&d);
    expect_silence(p);
    check_counters(p, B, 0, 2);
    check_alive(p, A);
    pair_free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike stray");
    TCase *tc = tcase_create("stray");
    tcase_add_test(tc, a_higher_version_is_named);
    tcase_add_loop_test(tc, an_unknown_spi_is_named_on_demand, 0, 2);
    tcase_add_test(tc, strange_payloads_are_tolerated);
    tcase_add_test(tc, a_critical_payload_is_refused_by_name);
    tcase_add_test(tc, an_unknown_exchange_is_dropped);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
