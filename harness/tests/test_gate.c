/* The message gate: rules, holding, the log, schedules. */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "stage/gate.h"
#include "wire/ike.h"

#include <check.h> /* last: it has a macro named fail */

static struct gate *gate;
static struct error err;

static void set_up(void)
{
    gate = gate_new();
    ck_assert_ptr_nonnull(gate);
}

static void tear_down(void)
{
    gate_free(gate);
}

/* --- offering, and what comes out ---------------------------------------------------------------- */

static void offer_octets(enum gate_direction direction, struct octets payload)
{
    struct datagram d = {.octets = (uint8_t *)(uintptr_t)payload.at, .len = payload.len};
    ck_assert(gate_offer(gate, direction, &d));
}

/* An IKE header and nothing else: what the gate looks at. */
static void offer_ike(enum gate_direction direction, uint8_t exchange, bool response, uint32_t id,
                      bool marked)
{
    struct ike_header h = {.spi_i = {1}, .version = IKE_VERSION, .exchange = exchange, .message_id = id};
    h.flags = response ? IKE_FLAG_RESPONSE : 0;
    uint8_t octets[4 + IKE_HEADER_LEN];
    struct writer w = writer_into(octets, sizeof octets);
    if (marked)
        write_zeros(&w, 4);
    size_t start = w.len;
    write_ike_header(&w, &h);
    ike_finish_message(&w, start, 0);
    offer_octets(direction, writer_octets(&w));
}

/* A datagram of one letter, which is no IKE message. */
static void offer(enum gate_direction direction, char letter)
{
    offer_octets(direction, octets_of(&letter, 1));
}

/* Takes all that has passed and compares: letters upper case to the peer, lower case from it. */
static void passes(const char *expected)
{
    char got[64] = "";
    size_t n = 0;
    enum gate_direction direction;
    struct datagram d;
    while (gate_take(gate, &direction, &d)) {
        ck_assert_uint_lt(n, sizeof got - 1);
        got[n++] = (char)d.octets[0];
        ck_assert_int_eq(direction == GATE_TO_PEER, d.octets[0] < 'a');
        datagram_clear(&d);
    }
    ck_assert_str_eq(got, expected);
}

static size_t count_passed(void)
{
    size_t n = 0;
    enum gate_direction direction;
    struct datagram d;
    for (; gate_take(gate, &direction, &d); n++)
        datagram_clear(&d);
    return n;
}

static void schedule(const char *text)
{
    ck_assert_msg(gate_add_schedule(gate, text, &err), "%s", err.text);
}

static enum gate_fate fate(enum gate_direction direction, size_t number)
{
    const struct gate_record *r = gate_log(gate, direction, number);
    ck_assert_ptr_nonnull(r);
    return r->fate;
}

/* --- actions ------------------------------------------------------------------------------------- */

START_TEST(without_rules_all_passes_in_order)
{
    offer(GATE_TO_PEER, 'A');
    offer(GATE_FROM_PEER, 'b');
    offer(GATE_TO_PEER, 'C');
    passes("AbC");
    ck_assert_uint_eq(gate_offered(gate, GATE_TO_PEER), 2);
    ck_assert_uint_eq(gate_offered(gate, GATE_FROM_PEER), 1);
    ck_assert_int_eq(fate(GATE_TO_PEER, 2), GATE_PASSED);
    ck_assert_uint_eq(gate_log(gate, GATE_TO_PEER, 2)->rule, 0);
    ck_assert_ptr_null(gate_log(gate, GATE_TO_PEER, 0));
    ck_assert_ptr_null(gate_log(gate, GATE_TO_PEER, 3));
}
END_TEST

START_TEST(the_chosen_datagram_is_dropped)
{
    schedule("to#2=drop");
    offer(GATE_TO_PEER, 'A');
    offer(GATE_FROM_PEER, 'x');
    offer(GATE_FROM_PEER, 'y');
    offer(GATE_TO_PEER, 'B');
    offer(GATE_TO_PEER, 'C');
    passes("AxyC");
    ck_assert_int_eq(fate(GATE_TO_PEER, 2), GATE_DROPPED);
    ck_assert_uint_eq(gate_log(gate, GATE_TO_PEER, 2)->rule, 1);
}
END_TEST

START_TEST(a_duplicate_passes_twice)
{
    schedule("from#1=duplicate");
    offer(GATE_FROM_PEER, 'a');
    offer(GATE_FROM_PEER, 'b');
    passes("aab");
    ck_assert_int_eq(fate(GATE_FROM_PEER, 1), GATE_DUPLICATED);
}
END_TEST

START_TEST(held_datagrams_are_seen_released_and_discarded)
{
    schedule("to=hold");
    for (char c = 'A'; c <= 'E'; c++)
        offer(GATE_TO_PEER, c);
    passes("");
    ck_assert_uint_eq(gate_held(gate, GATE_TO_PEER), 5);
    ck_assert_uint_eq(gate_held(gate, GATE_FROM_PEER), 0);
    ck_assert_uint_eq(gate_peek_held(gate, GATE_TO_PEER, 1)->octets[0], 'B');
    ck_assert_ptr_null(gate_peek_held(gate, GATE_TO_PEER, 5));
    ck_assert(!gate_release(gate, GATE_TO_PEER, 5));
    ck_assert(gate_release(gate, GATE_TO_PEER, 3));
    passes("D");
    ck_assert_int_eq(fate(GATE_TO_PEER, 4), GATE_RELEASED);
    ck_assert_int_eq(fate(GATE_TO_PEER, 5), GATE_HELD);

    gate_discard_held(gate, GATE_TO_PEER);
    passes("");
    ck_assert_uint_eq(gate_held(gate, GATE_TO_PEER), 0);
    ck_assert_int_eq(fate(GATE_TO_PEER, 5), GATE_DISCARDED);
    ck_assert_int_eq(fate(GATE_TO_PEER, 4), GATE_RELEASED);

    offer(GATE_TO_PEER, 'F');
    offer(GATE_TO_PEER, 'G');
    gate_release_all(gate, GATE_TO_PEER);
    passes("FG");
}
END_TEST

START_TEST(swapped_datagrams_change_places)
{
    schedule("to#1=swap");
    offer(GATE_TO_PEER, 'A');
    offer(GATE_FROM_PEER, 'x'); /* the other direction does not count */
    passes("x");
    ck_assert_int_eq(fate(GATE_TO_PEER, 1), GATE_HELD);
    offer(GATE_TO_PEER, 'B');
    offer(GATE_TO_PEER, 'C');
    passes("BAC");
    ck_assert_int_eq(fate(GATE_TO_PEER, 1), GATE_SWAPPED);
    ck_assert_int_eq(fate(GATE_TO_PEER, 2), GATE_PASSED);
}
END_TEST

START_TEST(swapping_every_datagram_swaps_pairs)
{
    schedule("to=swap");
    for (char c = 'A'; c <= 'D'; c++)
        offer(GATE_TO_PEER, c);
    passes("BADC");
}
END_TEST

START_TEST(a_swap_waits_for_one_that_passes)
{
    schedule("to#1=swap,to#2=drop,to#3=hold,to#4=duplicate");
    for (char c = 'A'; c <= 'D'; c++)
        offer(GATE_TO_PEER, c);
    passes("DDA");
    ck_assert_uint_eq(gate_held(gate, GATE_TO_PEER), 1);
}
END_TEST

/* --- matching ------------------------------------------------------------------------------------ */

START_TEST(rules_see_exchange_kind_and_message_id_behind_the_marker)
{
    bool marked = _i;
    schedule("from:INFORMATIONAL.req.7=drop");
    offer_ike(GATE_FROM_PEER, EXCHANGE_INFORMATIONAL, true, 7, marked);
    offer_ike(GATE_FROM_PEER, EXCHANGE_INFORMATIONAL, false, 6, marked);
    offer_ike(GATE_FROM_PEER, EXCHANGE_CREATE_CHILD_SA, false, 7, marked);
    offer_ike(GATE_TO_PEER, EXCHANGE_INFORMATIONAL, false, 7, marked);
    offer_ike(GATE_FROM_PEER, EXCHANGE_INFORMATIONAL, false, 7, marked);
    ck_assert_uint_eq(count_passed(), 4);
    const struct gate_record *r = gate_log(gate, GATE_FROM_PEER, 4);
    ck_assert_int_eq(r->fate, GATE_DROPPED);
    ck_assert(r->is_ike && !r->response);
    ck_assert_uint_eq(r->exchange, EXCHANGE_INFORMATIONAL);
    ck_assert_uint_eq(r->message_id, 7);
    ck_assert(gate_log(gate, GATE_FROM_PEER, 1)->response);
}
END_TEST

START_TEST(an_ordinal_counts_matches_since_the_rule_was_added)
{
    offer_ike(GATE_TO_PEER, EXCHANGE_INFORMATIONAL, false, 0, false);
    schedule("to:INFORMATIONAL#2=drop");
    offer_ike(GATE_TO_PEER, EXCHANGE_INFORMATIONAL, false, 1, false);
    offer_ike(GATE_TO_PEER, EXCHANGE_IKE_AUTH, false, 2, false);
    ck_assert_uint_eq(count_passed(), 3);
    offer_ike(GATE_TO_PEER, EXCHANGE_INFORMATIONAL, false, 3, false);
    ck_assert_uint_eq(count_passed(), 0);
    offer_ike(GATE_TO_PEER, EXCHANGE_INFORMATIONAL, false, 4, false);
    ck_assert_uint_eq(count_passed(), 1);
}
END_TEST

START_TEST(what_is_not_ike_is_matched_by_open_rules_only)
{
    uint8_t esp[60] = {0xc0, 1, 2, 3, 0, 0, 0, 9, [17] = IKE_VERSION, [18] = EXCHANGE_INFORMATIONAL};
    uint8_t keepalive[1] = {0xff};
    schedule("to:INFORMATIONAL=drop,to:any.req=drop,to:any.any.0=drop");
    offer_octets(GATE_TO_PEER, octets_of(esp, sizeof esp));
    offer_octets(GATE_TO_PEER, octets_of(keepalive, sizeof keepalive));
    offer_octets(GATE_TO_PEER, octets_of(NULL, 0));
    ck_assert_uint_eq(count_passed(), 3);
    ck_assert(!gate_log(gate, GATE_TO_PEER, 1)->is_ike);
    schedule("to=drop");
    offer_octets(GATE_TO_PEER, octets_of(esp, sizeof esp));
    offer_octets(GATE_TO_PEER, octets_of(NULL, 0));
    ck_assert_uint_eq(count_passed(), 0);
}
END_TEST

START_TEST(a_broken_length_field_does_not_hide_a_marked_message)
{
    uint8_t m[4 + IKE_HEADER_LEN] = {[4] = 1, [21] = IKE_VERSION, [22] = EXCHANGE_INFORMATIONAL, [31] = 99};
    schedule("to:INFORMATIONAL=drop");
    offer_octets(GATE_TO_PEER, octets_of(m, sizeof m));
    ck_assert_uint_eq(count_passed(), 0);
}
END_TEST

START_TEST(the_first_rule_whose_turn_it_is_decides)
{
    schedule("to#2=hold,to=drop");
    offer(GATE_TO_PEER, 'A');
    offer(GATE_TO_PEER, 'B');
    offer(GATE_TO_PEER, 'C');
    ck_assert_int_eq(fate(GATE_TO_PEER, 1), GATE_DROPPED);
    ck_assert_int_eq(fate(GATE_TO_PEER, 2), GATE_HELD);
    ck_assert_int_eq(fate(GATE_TO_PEER, 3), GATE_DROPPED);
    gate_remove(gate, 2);
    gate_remove(gate, 77);
    offer(GATE_TO_PEER, 'D');
    passes("D");
}
END_TEST

START_TEST(unused_rules_are_named)
{
    char text[256], tiny[8];
    schedule("to#3=drop,from:INFORMATIONAL.req.0#1=hold,to#1=drop,from=swap");
    offer(GATE_TO_PEER, 'A');
    offer(GATE_TO_PEER, 'B');
    gate_remove(gate, 4);
    ck_assert_uint_eq(gate_unused(gate, text, sizeof text), 2);
    ck_assert_str_eq(text, "rule 1 to#3=drop (2 seen), rule 2 from:INFORMATIONAL.req.0#1=hold (0 seen)");
    ck_assert_uint_eq(gate_unused(gate, tiny, sizeof tiny), 2);
    ck_assert_str_eq(tiny, "rule 1 ");
    ck_assert_uint_eq(gate_unused(gate, NULL, 0), 2);
    gate_remove(gate, 1);
    gate_remove(gate, 2);
    ck_assert_uint_eq(gate_unused(gate, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

/* --- schedules ----------------------------------------------------------------------------------- */

static const struct {
    const char *read, *printed;
} schedules[] = {
    {"", ""},
    {"to=drop", "to=drop"},
    {"to#3=drop,from:INFORMATIONAL.req.0#1=hold", "to#3=drop,from:INFORMATIONAL.req.0#1=hold"},
    {"from:any=swap", "from=swap"},
    {"from:any.any.any=duplicate", "from=duplicate"},
    {"to:any.resp=hold", "to:any.resp=hold"},
    {"to:any.any.4294967295=hold", "to:any.any.4294967295=hold"},
    {"to:37=drop,to:240.any.1#4294967295=drop", "to:INFORMATIONAL=drop,to:240.any.1#4294967295=drop"},
    {"to:CREATE_CHILD_SA.resp.any#2=swap", "to:CREATE_CHILD_SA.resp#2=swap"},
};

START_TEST(schedules_read_and_print)
{
    struct gate_rule rules[4];
    size_t count;
    char text[128];
    ck_assert_msg(gate_schedule_parse(schedules[_i].read, rules, 4, &count, &err), "%s", err.text);
    ck_assert(gate_schedule_print(rules, count, text, sizeof text));
    ck_assert_str_eq(text, schedules[_i].printed);
    size_t len = strlen(text);
    ck_assert(gate_schedule_print(rules, count, text, len + 1));
    ck_assert(len == 0 || !gate_schedule_print(rules, count, text, len));
}
END_TEST

static const struct {
    const char *schedule, *named;
} broken[] = {
    {"up=drop", "rule 1, at 1: \"up\" is no direction"},
    {"to=drop,", "rule 2, at 9: \"\" is no direction"},
    {"to=drop, from=drop", "rule 2, at 9: \" from\" is no direction"},
    {"to", "an action is missing"},
    {"to:=drop", "\"\" is no exchange"},
    {"to:INFO=drop", "\"INFO\" is no exchange"},
    {"to:256=drop", "\"256\" is no exchange"},
    {"to:0=drop", "\"0\" is no exchange"},
    {"to:any.request=drop", "\"request\" is no kind"},
    {"to:any.req.-1=drop", "\"-1\" is no message ID"},
    {"to:any.req.4294967296=drop", "\"4294967296\" is no message ID"},
    {"to:any.req.1.2=drop", "\"1.2\" is no message ID"},
    {"to#0=drop", "\"0\" is no ordinal"},
    {"to#x=drop", "\"x\" is no ordinal"},
    {"to.req=drop", "\"to.req\" is no direction"},
    {"to=lose", "\"lose\" is no action"},
    {"to=drop#1", "\"drop#1\" is no action"},
    {"to:AVERYLONGWORDTHATNOEXCHANGEWOULDEVERHAVE=drop", "too long"},
    {"to=drop,to=drop,to=drop,to=drop,to=drop", "more than 4 rules"},
};

START_TEST(a_broken_schedule_is_refused_by_word)
{
    struct gate_rule rules[4];
    size_t count;
    ck_assert(!gate_schedule_parse(broken[_i].schedule, rules, 4, &count, &err));
    ck_assert_msg(strstr(err.text, broken[_i].named), "%s", err.text);
    ck_assert_msg(strstr(err.text, "schedule \""), "%s", err.text);
}
END_TEST

START_TEST(a_broken_schedule_adds_nothing)
{
    ck_assert(!gate_add_schedule(gate, "to=drop,to=lose", &err));
    ck_assert_uint_eq(gate_unused(gate, NULL, 0), 0);
}
END_TEST

/* Whatever the rules and the traffic: what is offered passes, is dropped or is held, and nothing else. */
START_TEST(no_datagram_is_lost_or_made)
{
    struct random_source random = random_from_seed((uint64_t)_i);
    size_t passed = 0, expected = 0;
    for (int i = 0; i < 12; i++) {
        struct gate_match m = {.direction = random_below(&random, 2) ? GATE_TO_PEER : GATE_FROM_PEER,
                               .response = -1,
                               .message_id = -1,
                               .ordinal = random_below(&random, 40)};
        ck_assert_uint_ne(gate_add(gate, &m, (enum gate_action)random_below(&random, 4)), 0);
    }
    for (int i = 0; i < 100; i++) {
        offer(random_below(&random, 2) ? GATE_TO_PEER : GATE_FROM_PEER, 'x');
        if (random_below(&random, 10) == 0)
            gate_release(gate, GATE_TO_PEER, random_below(&random, 3));
        passed += count_passed();
    }
    for (int d = 0; d < GATE_DIRECTIONS; d++) {
        enum gate_direction direction = (enum gate_direction)d;
        expected -= gate_held(gate, direction);
        for (size_t n = 1; n <= gate_offered(gate, direction); n++)
            expected += fate(direction, n) == GATE_DROPPED      ? 0
                        : fate(direction, n) == GATE_DUPLICATED ? 2
                                                                : 1;
    }
    ck_assert_uint_eq(passed, expected);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gate");
    TCase *t = tcase_create("gate");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, without_rules_all_passes_in_order);
    tcase_add_test(t, the_chosen_datagram_is_dropped);
    tcase_add_test(t, a_duplicate_passes_twice);
    tcase_add_test(t, held_datagrams_are_seen_released_and_discarded);
    tcase_add_test(t, swapped_datagrams_change_places);
    tcase_add_test(t, swapping_every_datagram_swaps_pairs);
    tcase_add_test(t, a_swap_waits_for_one_that_passes);
    tcase_add_loop_test(t, rules_see_exchange_kind_and_message_id_behind_the_marker, 0, 2);
    tcase_add_test(t, an_ordinal_counts_matches_since_the_rule_was_added);
    tcase_add_test(t, what_is_not_ike_is_matched_by_open_rules_only);
    tcase_add_test(t, a_broken_length_field_does_not_hide_a_marked_message);
    tcase_add_test(t, the_first_rule_whose_turn_it_is_decides);
    tcase_add_test(t, unused_rules_are_named);
    tcase_add_loop_test(t, schedules_read_and_print, 0, sizeof schedules / sizeof schedules[0]);
    tcase_add_loop_test(t, a_broken_schedule_is_refused_by_word, 0, sizeof broken / sizeof broken[0]);
    tcase_add_test(t, a_broken_schedule_adds_nothing);
    tcase_add_loop_test(t, no_datagram_is_lost_or_made, 0, 20);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
