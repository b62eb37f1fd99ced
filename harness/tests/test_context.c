/* The context that members pass to each other: everything comes back, no part of it is taken, and nothing is
 * left of it in memory. */
#include <check.h>

#include "crypto/cleanup.h"
#include "tests/context_samples.h"

/* --- there and back ------------------------------------------------------------------------------ */

#define SAME(m)         ck_assert_msg(a->m == b->m, #m)
#define SAME_OCTETS(m)  ck_assert_msg(memcmp(a->m, b->m, sizeof a->m) == 0, #m)
#define SAME_STRUCT(m)  ck_assert_msg(memcmp(&a->m, &b->m, sizeof a->m) == 0, #m)
#define SAME_ADDRESS(m) ck_assert_msg(endpoint_same(&a->m, &b->m), #m)

static void compare_proposals(const struct wire_proposal *a, const struct wire_proposal *b)
{
    SAME(number), SAME(protocol), SAME(spi_len), SAME_OCTETS(spi), SAME(n_transforms);
    for (unsigned i = 0; i < a->n_transforms; i++) { /* in whatever order */
        const struct wire_transform *t = proposal_transform(b, a->transforms[i].type);
        ck_assert_ptr_nonnull(t);
        ck_assert_uint_eq(a->transforms[i].id, t->id);
        ck_assert_uint_eq(a->transforms[i].key_bits, t->key_bits);
    }
}

static void compare_selectors(const struct wire_selectors *a, const struct wire_selectors *b)
{
    SAME(count);
    for (unsigned i = 0; i < a->count; i++) {
        SAME(list[i].family), SAME(list[i].ip_protocol);
        SAME(list[i].port_first), SAME(list[i].port_last);
        SAME_OCTETS(list[i].first), SAME_OCTETS(list[i].last);
    }
}

static void compare_children(const struct child_snapshot *a, const struct child_snapshot *b)
{
    SAME(spi_in), SAME(spi_out), SAME(transport_mode), SAME(seq_out), SAME(seq_in);
    SAME_ADDRESS(local), SAME_ADDRESS(remote), SAME(seq_overflow), SAME(lifetime_s);
    SAME(lifetime_bytes), SAME(path_mtu);
    SAME(replay_bitmap), SAME(replay_window), SAME_STRUCT(keys_in), SAME_STRUCT(keys_out);
    compare_proposals(&a->proposal, &b->proposal);
    compare_selectors(&a->ts_local, &b->ts_local);
    compare_selectors(&a->ts_remote, &b->ts_remote);
}

static void compare(const struct ike_snapshot *a, const struct ike_snapshot *b)
{
    SAME(initiator), SAME_OCTETS(spi_i), SAME_OCTETS(spi_r), SAME_ADDRESS(local), SAME_ADDRESS(remote);
    SAME_STRUCT(id_local), SAME_STRUCT(id_remote), SAME(keys.prf), SAME(keys.suite.encr);
    SAME(keys.suite.encr_key_bits), SAME(keys.suite.integ), SAME_OCTETS(keys.sk_d);
    SAME_OCTETS(keys.sk_pi), SAME_OCTETS(keys.sk_pr), SAME_STRUCT(keys.from_initiator);
    SAME_STRUCT(keys.from_responder), SAME(nonce_i_len), SAME(nonce_r_len), SAME(shared_len);
    SAME_OCTETS(nonce_i), SAME_OCTETS(nonce_r), SAME_OCTETS(shared), SAME(message_id_sync);
    SAME(replay_counter_sync), SAME(nat_local), SAME(nat_remote), SAME(fragmentation), SAME(mobike),
        SAME(eap);
    SAME(window_send), SAME(window_recv), SAME(next_send), SAME(next_recv), SAME(highest_seen);
    SAME(n_children);
    compare_proposals(&a->proposal, &b->proposal);
    for (unsigned i = 0; i < a->n_children; i++)
        compare_children(&a->children[i], &b->children[i]);
}

static void expect_back(struct ike_snapshot *s)
{
    struct error err = {0};
    char *text = context_write(s);
    ck_assert_ptr_nonnull(text);
    struct ike_snapshot *back = context_read(text, &err);
    ck_assert_msg(back != NULL, "%s", err.text);
    compare(s, back);
    char *again = context_write(back);
    ck_assert_str_eq(text, again);
    context_free(text);
    context_free(again);
    ike_snapshot_free(back);
    ike_snapshot_free(s);
}

START_TEST(all_values_come_back)
{
    for (unsigned ipv6 = 0; ipv6 < 2; ipv6++)
        for (unsigned id = 0; id < N_ID_TYPES; id++)
            for (unsigned children = 0; children < 4; children++)
                expect_back(session(suites[_i], ipv6, id_types[id], children));
    expect_back(session(suites[_i], true, ID_FQDN, SNAPSHOT_MAX_CHILDREN));
}
END_TEST

/* Each flag for itself and each counter at its ends: one that stands for another would show. */
START_TEST(each_flag_and_end_comes_back)
{
    static const size_t flags[] = {
        offsetof(struct ike_snapshot, initiator),  offsetof(struct ike_snapshot, message_id_sync),
        offsetof(struct ike_snapshot, nat_local),  offsetof(struct ike_snapshot, replay_counter_sync),
        offsetof(struct ike_snapshot, nat_remote), offsetof(struct ike_snapshot, fragmentation),
        offsetof(struct ike_snapshot, mobike),     offsetof(struct ike_snapshot, eap),
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct ike_snapshot *s = session(suites[0], false, ID_FQDN, 0);
        *(bool *)((char *)s + flags[i]) = false;
        expect_back(s);
    }
    struct ike_snapshot *fresh = session(suites[0], false, ID_FQDN, 1);
    fresh->next_send = fresh->next_recv = 0;
    fresh->highest_seen = -1;
    fresh->window_send = fresh->window_recv = 1;
    fresh->id_local.len = fresh->shared_len = 0;
    memset(fresh->id_local.data, 0, sizeof fresh->id_local.data);
    memset(fresh->shared, 0, sizeof fresh->shared);
    fresh->children[0].seq_in = fresh->children[0].seq_out = fresh->children[0].replay_bitmap = 0;
    expect_back(fresh);
}
END_TEST

/* --- torn, and mutated --------------------------------------------------------------------------- */

START_TEST(no_part_of_a_context_is_taken)
{
    char *text = valid_context();
    for (size_t len = strlen(text); len-- > 0;) {
        char *part = strndup(text, len);
        struct error err = {0};
        ck_assert_ptr_null(context_read(part, &err));
        ck_assert_uint_ne(strlen(err.text), 0);
        free(part);
    }
    context_free(text);
}
END_TEST

static void restore_somewhere(const struct ike_snapshot *s)
{
    const struct ike_config config = {.window = 1};
    struct random_source random = random_from_seed(1);
    struct ike_host *host = ike_host_new(&config, NULL, &random, NULL);
    ck_assert_ptr_nonnull(host);
    uint32_t sa = ike_host_restore(host, s, NULL);
    if (sa)
        ck_assert_uint_ne(ike_sa_liveness(host, sa, 0, NULL), 0);
    ike_host_free(host);
}

/* Whatever was taken in spite of it can be written and read again, and a host can be made from it. */
START_TEST(mutations_do_no_harm)
{
    static const char alphabet[] = "0123456789abcdef\"{}[]:,-.eE\\u \x01\xff";
    struct random_source random = random_from_seed(42);
    char *text = valid_context();
    size_t len = strlen(text);
    unsigned taken = 0;
    for (unsigned round = 0; round < 6000; round++) {
        char *mutant = strdup(text);
        for (unsigned n = 1 + random_below(&random, 3); n > 0; n--)
            mutant[random_below(&random, (uint32_t)len)] =
                alphabet[random_below(&random, sizeof alphabet - 1)];
        struct error err = {0};
        struct ike_snapshot *s = context_read(mutant, &err);
        ck_assert_msg(s != NULL || err.text[0], "refused without a word");
        if (s) {
            taken++;
            restore_somewhere(s);
            expect_back(s);
        }
        free(mutant);
    }
    context_free(text);
    ck_assert_uint_gt(taken, 100);
}
END_TEST

/* --- CTX-4: nothing is left of it ---------------------------------------------------------------- */

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *)) __attribute__((weak));

static unsigned freed_with_key, freed_watched;
static const volatile void *watched;
static size_t watched_len;

static void no_malloc(const volatile void *at, size_t len)
{
    (void)at, (void)len;
}

static void look_before_free(const volatile void *at)
{
    if (!at || at != watched)
        return;
    freed_watched++;
    for (size_t i = 0; i < watched_len; i++)
        freed_with_key += ((const volatile char *)at)[i] != 0;
}

START_TEST(a_context_is_wiped_before_it_is_freed)
{
    char *text = valid_context();
    if (!__sanitizer_install_malloc_and_free_hooks) { /* another way of building */
        context_free(text);
        return;
    }
    ck_assert_int_ne(__sanitizer_install_malloc_and_free_hooks(no_malloc, look_before_free), 0);
    watched = text;
    watched_len = strlen(text);
    context_free(text);
    watched = NULL;
    ck_assert_uint_eq(freed_watched, 1);
    ck_assert_uint_eq(freed_with_key, 0);
    context_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("context");
    TCase *tc = tcase_create("context");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, all_values_come_back, 0, N_SUITES);
    tcase_add_test(tc, each_flag_and_end_comes_back);
    tcase_add_test(tc, no_part_of_a_context_is_taken);
    tcase_add_test(tc, mutations_do_no_harm);
    tcase_add_test(tc, a_context_is_wiped_before_it_is_freed);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    crypto_cleanup();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
