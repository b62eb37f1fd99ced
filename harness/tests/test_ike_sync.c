/* Message ID windows against a model that remembers every ID, and the standard rules by requirement. */
#include <stdlib.h>

#include "base/random.h"
#include "ike/rules.h"
#include "ike/window.h"

#include <check.h> /* last: it makes a macro of fail */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define RANGE_END    ((uint64_t)UINT32_MAX + 1)

enum { MODEL_IDS = 160, MODEL_STEPS = 400 };

/* --- own requests -------------------------------------------------------------------------------- */

enum fate { UNUSED, OUTSTANDING, DONE };

struct send_model {
    enum fate ids[MODEL_IDS];
    uint32_t next, size;
};

static bool model_is_open(const struct send_model *m)
{
    for (uint32_t id = 0; id < m->next; id++)
        if (m->ids[id] == OUTSTANDING && id + m->size <= m->next)
            return false;
    return true;
}

static uint32_t model_oldest(const struct send_model *m)
{
    for (uint32_t id = 0; id < m->next; id++)
        if (m->ids[id] == OUTSTANDING)
            return id;
    return m->next;
}

static void send_step(struct send_window *w, struct send_model *m, struct random_source *random)
{
    uint32_t id = random_below(random, MODEL_IDS);
    if (id >= m->next || random_below(random, 2) == 0)
        id = m->next - random_below(random, m->size + 1); /* may be `next` itself, or none */

    if (random_below(random, 20) == 0) { /* a sync moves it on */
        m->next += random_below(random, 4);
        for (uint32_t i = 0; i < m->next; i++)
            m->ids[i] = DONE;
        send_window_set(w, m->next);
        return;
    }
    if (id < MODEL_IDS) {
        ck_assert_int_eq(send_window_answered(w, id), m->ids[id] == OUTSTANDING);
        if (m->ids[id] == OUTSTANDING)
            m->ids[id] = DONE;
    }
    if (random_below(random, 3) > 0 && send_window_open(w)) {
        ck_assert_uint_eq(send_window_take(w), m->next);
        m->ids[m->next++] = OUTSTANDING;
    }
}

static const uint32_t sizes[] = {1, 2, 3, 4, 5, 7, 31, 32};

START_TEST(send_window_follows_the_model)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct random_source random = random_from_seed(seed);
        struct send_model model = {.size = sizes[_i]};
        struct send_window w = send_window_new(sizes[_i]);
        for (int step = 0; step < MODEL_STEPS && model.next + 4 < MODEL_IDS; step++) {
            send_step(&w, &model, &random);
            ck_assert_uint_eq(w.next, model.next);
            ck_assert_uint_eq(send_window_oldest(&w), model_oldest(&model));
            ck_assert_int_eq(send_window_open(&w), model_is_open(&model));
        }
    }
}
END_TEST

START_TEST(send_window_ends_with_the_range)
{
    struct send_window w = send_window_new(2);
    send_window_set(&w, UINT32_MAX);
    ck_assert(send_window_open(&w));
    ck_assert_uint_eq(send_window_take(&w), UINT32_MAX);
    ck_assert(!send_window_open(&w));
    ck_assert(send_window_answered(&w, UINT32_MAX));
    ck_assert(!send_window_open(&w));
    ck_assert_uint_eq(w.next, RANGE_END);
}
END_TEST

/* --- requests of the other side ------------------------------------------------------------------ */

struct recv_model {
    bool seen[MODEL_IDS];
    uint32_t next, size;
    int64_t highest;
};

static void model_receive(struct recv_model *m, uint32_t id)
{
    m->seen[id] = true;
    m->highest = id > m->highest ? (int64_t)id : m->highest;
    for (m->next = 0; m->seen[m->next];)
        m->next++;
}

static void model_sync(struct recv_model *m, uint32_t next)
{
    m->next = next;
    for (uint32_t id = 0; id < MODEL_IDS; id++)
        m->seen[id] = id < next;
}

static enum recv_judgement model_judge(const struct recv_model *m, uint32_t id)
{
    if (id + m->size < m->next || id >= m->next + m->size)
        return RECV_OUTSIDE;
    return m->seen[id] ? RECV_COPY : RECV_NEW;
}

static void recv_compare(const struct recv_window *w, const struct recv_model *m)
{
    ck_assert_uint_eq(w->next, m->next);
    ck_assert_int_eq(w->highest, m->highest);
    uint64_t history_end = w->next;
    for (uint32_t id = 0; id < MODEL_IDS; id++) {
        if (recv_window_judge(w, id) != model_judge(m, id))
            ck_abort_msg("ID %u of size %u, next %u", id, m->size, m->next);
        if (id == m->highest && id >= w->next)
            history_end = id + 1u;
    }
    ck_assert_uint_eq(recv_window_highest_next(w), history_end);
}

START_TEST(recv_window_follows_the_model)
{
    for (uint64_t seed = 0; seed < 15; seed++) {
        struct random_source random = random_from_seed(seed);
        struct recv_model model = {.size = sizes[_i], .highest = -1};
        struct recv_window w = recv_window_new(sizes[_i]);
        while (model.next + 2 * WINDOW_MAX < MODEL_IDS) {
            recv_compare(&w, &model);
            if (random_below(&random, 16) == 0) {
                model_sync(&model, (uint32_t)recv_window_highest_next(&w) + random_below(&random, 3));
                recv_window_set(&w, model.next);
                continue;
            }
            uint32_t id = model.next + random_below(&random, model.size + 2) - random_below(&random, 2);
            if (id >= MODEL_IDS)
                continue;
            if (model_judge(&model, id) == RECV_NEW)
                model_receive(&model, id);
            recv_window_accept(&w, id); /* an ID that is not new moves nothing */
        }
    }
}
END_TEST

START_TEST(recv_window_ends_with_the_range)
{
    struct recv_window w = recv_window_new(5);
    recv_window_set(&w, UINT32_MAX - 1);
    ck_assert_int_eq(w.highest, -1);
    ck_assert_int_eq(recv_window_judge(&w, UINT32_MAX), RECV_NEW);
    ck_assert_int_eq(recv_window_judge(&w, 0), RECV_OUTSIDE);
    recv_window_accept(&w, UINT32_MAX);
    ck_assert_uint_eq(recv_window_highest_next(&w), RANGE_END);
    recv_window_accept(&w, UINT32_MAX - 1);
    ck_assert_uint_eq(w.next, RANGE_END);
    ck_assert_int_eq(recv_window_judge(&w, UINT32_MAX), RECV_COPY);
    ck_assert_int_eq(recv_window_judge(&w, UINT32_MAX - 5), RECV_OUTSIDE);
    ck_assert_int_eq(recv_window_judge(&w, 0), RECV_OUTSIDE);
}
END_TEST

START_TEST(sizes_are_kept_in_bounds)
{
    ck_assert_uint_eq(send_window_new(0).size, 1);
    ck_assert_uint_eq(recv_window_new(0).size, 1);
    ck_assert_uint_eq(send_window_new(UINT32_MAX).size, WINDOW_MAX);
    ck_assert_uint_eq(recv_window_new(WINDOW_MAX + 1).size, WINDOW_MAX);

    struct send_window w = send_window_new(1);
    w.size = UINT32_MAX;
    for (int i = 0; i < WINDOW_MAX; i++) {
        ck_assert(send_window_open(&w));
        send_window_take(&w);
    }
    ck_assert(!send_window_open(&w));
    ck_assert_uint_eq(send_window_oldest(&w), 0);
    ck_assert(send_window_answered(&w, 0));
    ck_assert(!send_window_answered(&w, 0));
}
END_TEST

/* --- rules: judging ------------------------------------------------------------------------------ */

enum { MALFORMED = 1 };

struct judge_row {
    const char *requirement, *situation;
    struct sync_view view;
    uint32_t m1;
    int malformed;
    enum sync_verdict verdict;
};

#define VIEW(...)                                                                                            \
    {                                                                                                        \
        .negotiated = true, __VA_ARGS__                                                                      \
    }

static const struct judge_row judge_rows[] = {
    {"NEG-5", "not negotiated", {.highest_seen = -1}, 5, 0, SYNC_AS_ORDINARY},
    {"NEG-5", "not negotiated, malformed", {.highest_seen = -1}, 0, MALFORMED, SYNC_AS_ORDINARY},
    {"NEG-5", "not negotiated, stale", {.highest_seen = 9}, 5, 0, SYNC_AS_ORDINARY},
    {"NEG-5", "not negotiated, a copy", {.copy = true}, 5, 0, SYNC_AS_ORDINARY},
    {"FMT-8", "malformed", VIEW(.highest_seen = -1), 0, MALFORMED, SYNC_DROP},
    {"FMT-8", "malformed copy", VIEW(.copy = true, .copy_is_newest = true), 0, MALFORMED, SYNC_DROP},
    {"FMT-7", "extra payload", VIEW(.highest_seen = 3, .extra_payload = true), 9, 0, SYNC_DROP},
    {"SYNC-3", "nothing seen", VIEW(.highest_seen = -1), 0, 0, SYNC_ANSWER},
    {"SYNC-3", "one above", VIEW(.highest_seen = 4, .highest_next = 5), 5, 0, SYNC_ANSWER},
    {"SYNC-3", "far above", VIEW(.highest_seen = 4, .highest_next = 5), 5000, 0, SYNC_ANSWER},
    {"SYNC-3", "equal", VIEW(.highest_seen = 4, .highest_next = 5), 4, 0, SYNC_DROP},
    {"SYNC-3", "lower", VIEW(.highest_seen = 4, .highest_next = 5), 3, 0, SYNC_DROP},
    {"SYNC-3", "request 0 seen", VIEW(.highest_seen = 0, .highest_next = 1), 0, 0, SYNC_DROP},
    {"SYNC-4", "M1 again", VIEW(.highest_seen = 9, .highest_next = 5, .answered = 1), 9, 0, SYNC_DROP},
    {"SYNC-12", "M1 higher", VIEW(.highest_seen = 9, .highest_next = 5, .answered = 1), 10, 0, SYNC_ANSWER},
    {"SYNC-13", "newest copy", VIEW(.highest_seen = 9, .copy = true, .copy_is_newest = true), 9, 0,
     SYNC_REPEAT_ANSWER},
    {"SEC-1", "old copy", VIEW(.highest_seen = 9, .copy = true), 9, 0, SYNC_DROP},
    {"SYNC-14", "A.2: M1 2, 4 received", VIEW(.highest_seen = 4, .highest_next = 5), 2, 0, SYNC_DROP},
    {"SYNC-9", "own requests unanswered", VIEW(.highest_seen = -1, .next_send = 8, .oldest_unanswered = 5), 0,
     0, SYNC_ANSWER},
    {"SYNC-10", "a gap", VIEW(.highest_seen = 7, .highest_next = 8, .first_missing = 3), 8, 0, SYNC_ANSWER},
    {"EX-3", "own sync outstanding", VIEW(.highest_seen = 3, .highest_next = 5, .own_sync_outstanding = true),
     4, 0, SYNC_ANSWER},
    {"SYNC-15", "the last ID", VIEW(.highest_seen = 4, .highest_next = 5), UINT32_MAX, 0, SYNC_ANSWER},
    {"SYNC-15", "beyond 2^31", VIEW(.highest_seen = 0x7fffffff), 0x80000000, 0, SYNC_ANSWER},
    {"SYNC-15", "the last ID seen", VIEW(.highest_seen = UINT32_MAX), UINT32_MAX, 0, SYNC_DROP},
    {"SYNC-15", "no ID left to receive", VIEW(.highest_seen = 5, .highest_next = RANGE_END), 9, 0, SYNC_DROP},
    {"SYNC-15", "no ID left to send", VIEW(.highest_seen = 5, .next_send = RANGE_END), 9, 0, SYNC_DROP},
};

START_TEST(syncs_are_judged)
{
    const struct judge_row *row = &judge_rows[_i];
    struct message_id_sync request = {.expected_send = row->m1};
    enum sync_verdict verdict =
        ike_rules_standard()->judge_sync(&row->view, row->malformed ? NULL : &request);
    ck_assert_msg(verdict == row->verdict, "%s, %s: %d instead of %d", row->requirement, row->situation,
                  verdict, row->verdict);
}
END_TEST

/* --- rules: answering ---------------------------------------------------------------------------- */

struct answer_row {
    const char *requirement, *situation;
    struct sync_view view;
    uint32_t m1, p1, p2, m2;
};

static const struct answer_row answer_rows[] = {
    {"SYNC-5", "M1 is higher", VIEW(.highest_next = 5), 9, 0, 0, 9},
    {"SYNC-5", "what was received is higher", VIEW(.highest_next = 9), 5, 0, 0, 9},
    {"SYNC-6", "P1 is higher", VIEW(.next_send = 5), 0, 9, 9, 0},
    {"SYNC-6", "what was sent is higher", VIEW(.next_send = 9), 0, 5, 9, 0},
    {"SYNC-9", "3..7 sent, 3 unanswered", VIEW(.next_send = 8, .oldest_unanswered = 3), 0, 0, 8, 0},
    {"SYNC-10", "4..7 received, 3 missing", VIEW(.highest_next = 8, .first_missing = 3), 3, 0, 0, 8},
    {"EX-1", "A.1", VIEW(.highest_seen = -1, .next_send = 5), 0, 5, 5, 0},
    {"EX-2", "A.2 with M1 6", VIEW(.highest_seen = 4, .highest_next = 5, .next_send = 4), 6, 3, 4, 6},
    {"EX-3", "A.3, the peer's side", VIEW(.highest_next = 5, .next_send = 5), 4, 4, 5, 5},
    {"EX-3", "A.3, the member's side", VIEW(.highest_next = 4, .next_send = 4), 5, 5, 5, 5},
    {"SYNC-15", "the last IDs", VIEW(.highest_next = 5, .next_send = 5), UINT32_MAX, UINT32_MAX, UINT32_MAX,
     UINT32_MAX},
};

START_TEST(syncs_are_answered)
{
    const struct answer_row *row = &answer_rows[_i];
    struct message_id_sync request = {{1, 2, 3, 4}, row->m1, row->p1};
    struct sync_outcome out;
    ike_rules_standard()->answer_sync(&row->view, &request, &out);
    ck_assert_msg(out.answer.expected_send == row->p2 && out.answer.expected_recv == row->m2,
                  "%s, %s: P2 %u M2 %u", row->requirement, row->situation, out.answer.expected_send,
                  out.answer.expected_recv);
    ck_assert_uint_eq(out.next_send, row->p2); /* SYNC-7 */
    ck_assert_uint_eq(out.next_recv, row->m2);
    ck_assert_mem_eq(out.answer.nonce, request.nonce, sizeof request.nonce); /* FMT-4 */
}
END_TEST

START_TEST(only_the_matching_answer_counts)
{
    const struct ike_rules *rules = ike_rules_standard();
    struct message_id_sync sent = {{1, 2, 3, 4}, 7, 3}, received = {{1, 2, 3, 4}, 5, 9};
    ck_assert(rules->accept_sync_answer(&sent, true, &received));
    ck_assert(!rules->accept_sync_answer(&sent, false, &received)); /* SEC-2 */
    for (int i = 0; i < MESSAGE_ID_SYNC_NONCE_LEN; i++) {           /* FMT-5 */
        struct message_id_sync other = received;
        other.nonce[i] ^= 0x80;
        ck_assert(!rules->accept_sync_answer(&sent, true, &other));
    }
}
END_TEST

START_TEST(the_other_rules)
{
    const struct ike_rules *rules = ike_rules_standard();
    struct sync_view view = {0};
    ck_assert(rules->resend_outstanding(&view));        /* SYNC-11 */
    ck_assert(!rules->process_outside_window(4, 5, 1)); /* SYNC-8 */
    ck_assert(!rules->process_outside_window(4, 5, 0));
    ck_assert(rules->tolerate_unknown_status(40000)); /* NEG-4 */
}
END_TEST

/* An outgoing message leaves the standard rules as it came. */
START_TEST(messages_are_not_edited)
{
    struct ike_header header = {.message_id = 7}, header_before = header;
    uint8_t octets[4] = {1, 2, 3, 4}, first = PAYLOAD_NOTIFY;
    struct writer inner = {.at = octets, .capacity = 4, .len = 4};
    bool in_clear = false;
    const struct outgoing message = {
        .header = &header, .first = &first, .inner = &inner, .in_clear = &in_clear, .sync = true};
    ike_rules_standard()->edit_outgoing(&message);
    ck_assert_mem_eq(&header, &header_before, sizeof header);
    ck_assert_uint_eq(first, PAYLOAD_NOTIFY);
    ck_assert(octets_equal(writer_octets(&inner), octets_of("\1\2\3\4", 4)));
    ck_assert(!in_clear);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike sync");
    TCase *window = tcase_create("window"), *rules = tcase_create("rules");
    tcase_add_loop_test(window, send_window_follows_the_model, 0, COUNT(sizes));
    tcase_add_loop_test(window, recv_window_follows_the_model, 0, COUNT(sizes));
    tcase_add_test(window, send_window_ends_with_the_range);
    tcase_add_test(window, recv_window_ends_with_the_range);
    tcase_add_test(window, sizes_are_kept_in_bounds);
    tcase_add_loop_test(rules, syncs_are_judged, 0, COUNT(judge_rows));
    tcase_add_loop_test(rules, syncs_are_answered, 0, COUNT(answer_rows));
    tcase_add_test(rules, only_the_matching_answer_counts);
    tcase_add_test(rules, the_other_rules);
    tcase_add_test(rules, messages_are_not_edited);
    suite_add_tcase(suite, window);
    suite_add_tcase(suite, rules);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
