/* Every datagram of a story, mutated: in flight, where the integrity check finds it, and inside SK with the
 * check made right again, as an authenticated peer that has gone wrong would send it. Nothing crashes, leaks
 * or hangs; what is not authenticated changes nothing; and whatever a peer sent, a new SA can be made. */
#include "tests/ike_pair.h"

enum { STORY_STEPS = 11, MAX_INNER = 1024 };

/* A step starts something at one end; the datagrams that follow from it are what is mutated. */
static void start_step(struct pair *p, unsigned step)
{
    struct end *a = &p->end[A], *b = &p->end[B];
    switch (step) {
    case 0:
        connect_from(p, A);
        break;
    case 1:
        ike_sa_liveness(a->host, a->sa, p->now_us, NULL);
        break;
    case 2:
        ike_sa_liveness(b->host, b->sa, p->now_us, NULL);
        break;
    case 3:
        ike_child_create(b->host, b->sa, p->now_us, NULL);
        break;
    case 4:
        ike_child_rekey(a->host, a->sa, first_child(p, A), p->now_us, NULL);
        break;
    case 5:
        ike_child_rekey(b->host, b->sa, first_child(p, B), p->now_us, NULL);
        break;
    case 6:
        send_sync(p, A, values(1, 50, 60));
        break;
    case 7:
        ike_child_delete(b->host, b->sa, first_child(p, B), p->now_us, NULL);
        break;
    case 8:
        ike_sa_rekey(b->host, b->sa, p->now_us, NULL);
        break;
    case 9:
        send_sync(p, B, values(2, 70, 80));
        break;
    default:
        ike_sa_delete(a->host, a->sa, p->now_us, NULL);
        break;
    }
}

static void note_sas(struct pair *p)
{
    for (enum side s = A; s <= B; s++) {
        uint32_t ids[8], n = ike_host_sas(p->end[s].host, ids, 8);
        if (n > 0)
            p->end[s].sa = ids[n < 8 ? n - 1 : 7];
    }
}

static struct pair *story_pair(void)
{
    struct pair *p = pair_new(1);
    set_esp(p, A, "aes128gcm16-x25519-noesn");
    set_esp(p, B, "aes128gcm16-x25519-noesn");
    pair_start(p, NULL, NULL);
    return p;
}

static bool next_datagram(struct pair *p, struct datagram *d, enum side *from)
{
    for (*from = A; *from <= B; ++*from)
        if (ike_host_output(p->end[*from].host, d))
            return true;
    return false;
}

static bool is_init(const struct datagram *d)
{
    struct ike_header h;
    ck_assert(ike_read_header(without_marker(d), &h, NULL));
    return h.exchange == EXCHANGE_IKE_SA_INIT;
}

/* --- mutations ----------------------------------------------------------------------------------- */

/* The nth mutation of some octets; the caller clears it. False: there is none of that number. */
static bool mutate(struct octets from, unsigned nth, struct writer *out)
{
    write_bytes(out, from);
    if (nth < from.len) { /* one bit, another one in each octet */
        out->at[nth] ^= (uint8_t)(1u << (nth * 5 % 8));
        return true;
    }
    nth -= (unsigned)from.len;
    if (nth < from.len) { /* an octet that is all or nothing */
        out->at[nth] = out->at[nth] == 0xff ? 0 : 0xff;
        return true;
    }
    nth -= (unsigned)from.len;
    if (nth < from.len) { /* cut off */
        out->len = nth;
        return true;
    }
    nth -= (unsigned)from.len;
    for (unsigned i = 0; i <= nth; i++) /* too long */
        write_u8(out, (uint8_t)(nth * 77));
    return nth < 9;
}

static void give_mutations(struct pair *p, enum side to, const struct datagram *d)
{
    static uint8_t room[4096];
    for (unsigned nth = 0;; nth++) {
        struct writer w = writer_into(room, sizeof room);
        if (!mutate(datagram_octets(d), nth, &w))
            return;
        struct datagram broken;
        ck_assert(datagram_make(&broken, &d->from, &d->to, writer_octets(&w)));
        give(p, to, &broken);
        datagram_clear(&broken);
    }
}

/* The story goes on as if nothing had come between. (An IKE_SA_INIT response is not protected: a forged one
 * is believed, so those are played apart.) */
/* Another major version is answered, in clear and once a second (RFC 7296 2.5). */
static void discard_version_notices(struct pair *p)
{
    struct datagram d;
    for (enum side s = A; s <= B; s++)
        while (ike_host_output(p->end[s].host, &d)) {
            struct octets message = without_marker(&d);
            struct ike_header h;
            struct ike_payloads in;
            ck_assert(ike_read_header(message, &h, NULL));
            ck_assert(
                ike_read_payloads(h.next_payload, octets_of(message.at + 28, message.len - 28), &in, NULL));
            ck_assert_ptr_nonnull(ike_find_notify(&in, NOTIFY_INVALID_MAJOR_VERSION));
            datagram_clear(&d);
        }
}

START_TEST(what_is_not_authenticated_changes_nothing)
{
    struct pair *p = story_pair();
    for (unsigned step = 0; step < STORY_STEPS; step++) {
        start_step(p, step);
        struct datagram d;
        enum side from;
        while (next_datagram(p, &d, &from)) {
            enum side to = from == A ? B : A;
            if (!is_init(&d)) {
                give_mutations(p, to, &d);
                discard_version_notices(p);
            }
            give(p, to, &d);
            datagram_clear(&d);
        }
        note_sas(p);
        if (step < STORY_STEPS - 1)
            check_consistent(p, 1, step < 3 ? 1 : step < 7 ? 2 : 1);
        forget_events(p);
    }
    check_consistent(p, 0, 0);
    pair_free(p);
}
END_TEST

/* --- what goes wrong, and is over some time ------------------------------------------------------ */

static void settle(struct pair *p)
{
    for (unsigned i = 0; i < 100; i++) {
        pump(p);
        forget_events(p);
        int64_t due = clock_earlier(ike_host_deadline(p->end[A].host), ike_host_deadline(p->end[B].host));
        if (due == CLOCK_NEVER)
            return;
        wait_for_deadline(p);
    }
    ck_abort_msg("it never settles");
}

/* An SA that both ends still hold works, and a new one can be made. */
static void check_recovery(struct pair *p, bool works)
{
    struct ike_sa_info a, b;
    settle(p);
    bool both = ike_sa_info(p->end[A].host, p->end[A].sa, &a) &&
                ike_sa_info(p->end[B].host, p->end[B].sa, &b) && memcmp(a.spi_r, b.spi_r, IKE_SPI_LEN) == 0;
    if (works && both && a.established && b.established)
        check_alive(p, A);
    if (works && both && a.established && b.established)
        check_alive(p, B);
    forget_events(p);
    connect_from(p, A);
    pump(p);
    ck_assert_uint_eq(event_of(p, A, IKE_EVENT_ESTABLISHED)->sa, p->end[A].sa);
    settle(p);
}

/* Plays the story up to datagram number `nth` and gives that one back, not delivered. */
static struct pair *play_up_to(unsigned nth, struct datagram *d, enum side *from)
{
    struct pair *p = story_pair();
    for (unsigned step = 0; step < STORY_STEPS; step++) {
        start_step(p, step);
        while (next_datagram(p, d, from)) {
            if (nth-- == 0)
                return p;
            give(p, *from == A ? B : A, d);
            datagram_clear(d);
        }
        note_sas(p);
        forget_events(p);
    }
    pair_free(p);
    return NULL;
}

START_TEST(forged_init_does_no_lasting_harm)
{
    static uint8_t room[4096];
    for (unsigned nth = 0;; nth++) {
        struct datagram d, broken;
        enum side from;
        struct pair *p = play_up_to((unsigned)_i, &d, &from);
        struct writer w = writer_into(room, sizeof room);
        bool more = mutate(datagram_octets(&d), nth, &w);
        ck_assert(datagram_make(&broken, &d.from, &d.to, writer_octets(&w)));
        give(p, from == A ? B : A, &broken);
        check_recovery(p, true);
        datagram_clear(&d);
        datagram_clear(&broken);
        pair_free(p);
        if (!more)
            return;
    }
}
END_TEST

static const struct ike_evidence_keys *keys_of(const struct pair *p, const struct ike_header *h)
{
    for (unsigned i = 0; i < p->n_keys; i++)
        if (memcmp(p->keys[i].spi_i, h->spi_i, IKE_SPI_LEN) == 0 &&
            memcmp(p->keys[i].spi_r, h->spi_r, IKE_SPI_LEN) == 0)
            return &p->keys[i];
    ck_abort_msg("no keys");
    return NULL;
}

/* The datagram with its nth mutation inside SK. */
static bool reseal(struct pair *p, const struct datagram *d, unsigned nth, struct datagram *out)
{
    static uint8_t inner[MAX_INNER + 64], message[4096];
    struct octets whole = without_marker(d);
    struct ike_opened *opened = open_with_any(p, whole);
    ck_assert(opened != NULL && opened->inner.len <= MAX_INNER);
    const struct ike_evidence_keys *k = keys_of(p, &opened->header);
    bool from_initiator = (opened->header.flags & IKE_FLAG_INITIATOR) != 0;
    struct random_source random = random_from_seed(nth);
    struct writer chain = writer_into(inner, sizeof inner), w = writer_into(message, sizeof message);
    bool more = mutate(opened->inner, nth, &chain);
    uint8_t first = nth % 13 == 12 ? (uint8_t)(32 + nth % 24) : opened->first;
    ck_assert(ike_seal(&k->suite, from_initiator ? &k->from_initiator : &k->from_responder, &opened->header,
                       first, writer_octets(&chain), &random, &w, NULL));
    ck_assert(datagram_make(out, &d->from, &d->to, writer_octets(&w)));
    free(opened);
    return more;
}

START_TEST(broken_inside_does_no_lasting_harm)
{
    for (unsigned nth = (unsigned)_i % 3;; nth += 3) { /* every third: there are many */
        struct datagram d, broken;
        enum side from;
        struct pair *p = play_up_to(2 + (unsigned)_i, &d, &from);
        if (p == NULL)
            return;
        collect(p, A);
        collect(p, B);
        char line[LINE];
        describe_datagram(p, &d, line);
        bool counters = strstr(line, "IKEV2_MESSAGE_ID_SYNC") != NULL; /* who lies about them stalls */
        bool more = reseal(p, &d, nth, &broken);
        give(p, from == A ? B : A, &broken);
        check_recovery(p, !counters);
        datagram_clear(&d);
        datagram_clear(&broken);
        pair_free(p);
        if (!more)
            return;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike mutation");
    TCase *flight = tcase_create("in flight"), *inside = tcase_create("inside");
    tcase_add_test(flight, what_is_not_authenticated_changes_nothing);
    tcase_add_loop_test(flight, forged_init_does_no_lasting_harm, 0, 2);
    tcase_add_loop_test(inside, broken_inside_does_no_lasting_harm, 0, 32);
    tcase_set_timeout(flight, 240);
    tcase_set_timeout(inside, 240);
    suite_add_tcase(suite, flight);
    suite_add_tcase(suite, inside);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
