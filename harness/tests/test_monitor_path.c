/* The monitors of where a message goes to, and of which IKE SA it is.
 * Each rule fires on what breaks it, and is quiet on its legal neighbour. */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/monitor_scene.h"

static void put_from_elsewhere(struct scene *s, int from, uint8_t flags, bool natt)
{
    put(s, from, flags, 2);
    struct wire_packet *p = s->stage.wire[s->stage.n_wire - 1];
    const struct driver_line *line = &s->stage.line;
    *(from == FROM_US ? &p->datagram.from : &p->datagram.to) = natt ? line->cluster_natt : line->cluster_ike;
}

/* --- IKE-15 -------------------------------------------------------------------------------------- */

START_TEST(a_response_takes_the_way_back)
{
    struct scene *s = scene_new();
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    s->stage.wire[1]->datagram.to.port = 4501;
    expect_found(s, "IKE-15");

    s = scene_new(); /* to an address of the cluster, and not to that */
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    put_from_elsewhere(s, FROM_US, REQUEST, true);
    s->stage.wire[2]->header.message_id = 3;
    s->stage.wire[1]->datagram.to.address[3] = 7;
    expect_found(s, "IKE-15");

    s = scene_new(); /* from where nothing was sent to */
    put(s, FROM_US, REQUEST, 2);
    put(s, FROM_PEER, RESPONSE, 2);
    s->stage.wire[1]->datagram.from.port = 4500;
    expect_found(s, "IKE-15");

    s = scene_new(); /* the request came twice, from two ports: both ways are right */
    put(s, FROM_US, REQUEST, 2);
    again(s, true);
    put(s, FROM_PEER, RESPONSE, 2);
    again(s, true);
    expect_tagged(s, TAG(RETRANSMIT_SEEN), "");
}
END_TEST

START_TEST(nothing_goes_to_strangers)
{
    struct scene *s = scene_new();
    put(s, FROM_PEER, REQUEST, 0);
    s->stage.wire[0]->datagram.to.port = 501;
    expect_found(s, "IKE-15");

    s = scene_new();
    put(s, FROM_PEER, REQUEST, 0);
    s->stage.wire[0]->datagram.to.address[0] ^= 1;
    expect_found(s, "IKE-15");

    s = scene_new(); /* it was told of it */
    put(s, FROM_PEER, REQUEST, 0);
    again(s, true);
    expect_tagged(s, TAG(RETRANSMIT_SEEN), "");

    s = scene_new(); /* it heard from there */
    put(s, FROM_US, REQUEST, 2);
    s->stage.wire[0]->datagram.from.port = 501;
    put(s, FROM_PEER, REQUEST, 0);
    s->stage.wire[1]->datagram.to.port = 501;
    expect_found(s, "");
}
END_TEST

/* --- IKE-14 -------------------------------------------------------------------------------------- */

START_TEST(spis_are_a_pair)
{
    struct scene *s = scene_new();
    struct ike_header h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 0);
    h.spi_r[7] ^= 1;
    put_sealed(s, FROM_PEER, h);
    expect_found(s, "IKE-14");

    s = scene_new();
    h = header_of(FROM_PEER, EXCHANGE_INFORMATIONAL, REQUEST, 0);
    h.spi_i[7] ^= 1;
    put_sealed(s, FROM_PEER, h);
    expect_found(s, "IKE-14");

    s = scene_new(); /* of another IKE SA, nobody knows */
    h.spi_r[7] ^= 1;
    put_sealed(s, FROM_PEER, h);
    expect_found(s, "");

    s = scene_new(); /* the cluster asked so */
    struct ike_header ask = header_of(FROM_US, EXCHANGE_INFORMATIONAL, REQUEST, 5), answer;
    ask.spi_i[7] ^= 1;
    answer = ask;
    answer.flags = RESPONSE;
    put_sealed(s, FROM_US, ask);
    carry_notify(s, 0, NOTIFY_INVALID_IKE_SPI, NULL, 0);
    put_clear(s, FROM_PEER, answer);
    expect_found(s, "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor path");
    TCase *tc = tcase_create("monitor path");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_response_takes_the_way_back);
    tcase_add_test(tc, nothing_goes_to_strangers);
    tcase_add_test(tc, spis_are_a_pair);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
