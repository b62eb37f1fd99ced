/* Choosing proposals and narrowing traffic selectors. */
#include <stdio.h>
#include <stdlib.h>

#include "ike/propose.h"

#include <check.h> /* last: it makes a macro of fail */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- notation ------------------------------------------------------------------------------------ */

/* "1:12/256 2:5 4:31": type, ID, key length */
static const char *transforms_text(const struct wire_proposal *p, char out[512])
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < p->n_transforms; i++) {
        const struct wire_transform *t = &p->transforms[i];
        used += (size_t)snprintf(out + used, 512 - used, "%s%u:%u", i > 0 ? " " : "", t->type, t->id);
        if (t->key_bits != 0)
            used += (size_t)snprintf(out + used, 512 - used, "/%u", t->key_bits);
    }
    return out;
}

static const struct {
    uint8_t protocol;
    const char *text, *transforms;
} notations[] = {
    {PROTOCOL_IKE, "aes256gcm16-prfsha256-x25519", "1:20/256 2:5 4:31"},
    {PROTOCOL_IKE, "aes256gcm128-prfsha384-curve25519", "1:20/256 2:6 4:31"},
    {PROTOCOL_IKE, "aes128gcm8-aes128gcm12-prfsha512-ecp256-ecp384-ecp521",
     "1:18/128 1:19/128 2:7 4:19 4:20 4:21"},
    {PROTOCOL_IKE, "aes256-sha256-modp2048", "1:12/256 2:5 3:12 4:14"},
    {PROTOCOL_IKE, "aes128-cbc-sha384-modp3072", "1:12/128 2:6 3:13 4:15"},
    {PROTOCOL_IKE, "aes192-aes128-sha512-sha256-modp4096-ecp256",
     "1:12/192 1:12/128 2:7 2:5 3:14 3:12 4:16 4:19"},
    {PROTOCOL_IKE, "aes256-sha256-prfsha512-x25519", "1:12/256 2:7 3:12 4:31"},
    {PROTOCOL_IKE, "aes256gcm16-sha256-x25519", "1:20/256 2:5 4:31"},
    {PROTOCOL_IKE, "chacha20poly1305-prfsha256-x25519", "1:28 2:5 4:31"},
    {PROTOCOL_ESP, "aes256gcm16", "1:20/256 5:0"},
    {PROTOCOL_ESP, "aes256gcm16-x25519-esn", "1:20/256 4:31 5:1"},
    {PROTOCOL_ESP, "aes128-sha256-esn-noesn", "1:12/128 3:12 5:1 5:0"},
    {PROTOCOL_ESP, "null-sha256-noesn", "1:11 3:12 5:0"},
    {PROTOCOL_ESP, "chacha20poly1305-chacha20poly1305", "1:28 5:0"},
};

START_TEST(notations_are_read)
{
    struct wire_proposal p;
    struct error err;
    char text[512];
    ck_assert_msg(proposal_parse(notations[_i].protocol, notations[_i].text, &p, &err), "%s", err.text);
    ck_assert_str_eq(transforms_text(&p, text), notations[_i].transforms);
    ck_assert_uint_eq(p.protocol, notations[_i].protocol);
    ck_assert_uint_eq(p.number, 0);
    ck_assert_uint_eq(p.spi_len, 0);
}
END_TEST

static const struct {
    uint8_t protocol;
    const char *text, *error;
} wrong_notations[] = {
    {PROTOCOL_IKE, "", "proposal \"\": \"\" is not an algorithm"},
    {PROTOCOL_IKE, "aes257-sha256-x25519",
     "proposal \"aes257-sha256-x25519\": \"aes257\" is not an algorithm"},
    {PROTOCOL_IKE, "aes256-", "proposal \"aes256-\": \"\" is not an algorithm"},
    {PROTOCOL_IKE, "aes256gcm16-x25519", "proposal \"aes256gcm16-x25519\": no PRF (prfsha256, ...)"},
    {PROTOCOL_IKE, "aes256-prfsha256-x25519",
     "proposal \"aes256-prfsha256-x25519\": no integrity (sha256, ...)"},
    {PROTOCOL_IKE, "aes256-sha256",
     "proposal \"aes256-sha256\": no key exchange (x25519, ecp256, modp2048, ...)"},
    {PROTOCOL_IKE, "sha256-x25519", "proposal \"sha256-x25519\": no encryption"},
    {PROTOCOL_IKE, "aes256-aes256gcm16-sha256-x25519",
     "proposal \"aes256-aes256gcm16-sha256-x25519\": an AEAD and other encryption need a proposal each"},
    {PROTOCOL_IKE, "null-sha256-x25519", "proposal \"null-sha256-x25519\": \"null\" is for ESP"},
    {PROTOCOL_IKE, "aes256-sha256-x25519-esn",
     "proposal \"aes256-sha256-x25519-esn\": \"esn\" and \"noesn\" are for ESP"},
    {PROTOCOL_ESP, "aes256", "proposal \"aes256\": no integrity (sha256, ...)"},
    {PROTOCOL_ESP, "aes256gcm16-sha256", "proposal \"aes256gcm16-sha256\": an AEAD takes no integrity"},
    {PROTOCOL_ESP, "aes256gcm16-prfsha256", "proposal \"aes256gcm16-prfsha256\": a PRF is for IKE"},
};

START_TEST(wrong_notations_are_refused)
{
    struct wire_proposal p;
    struct error err;
    ck_assert(!proposal_parse(wrong_notations[_i].protocol, wrong_notations[_i].text, &p, &err));
    ck_assert_str_eq(err.text, wrong_notations[_i].error);
}
END_TEST

/* --- choosing ------------------------------------------------------------------------------------ */

enum { MAX_LIST = 4 };

struct list {
    struct wire_proposal p[MAX_LIST];
    size_t n;
};

/* Proposals with blanks between them; the numbers run from 1, the SPIs are those of an offer. */
static struct list proposals(uint8_t protocol, const char *text)
{
    struct list list = {0};
    char copy[256], *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        struct error err;
        struct wire_proposal *p = &list.p[list.n++];
        ck_assert_msg(proposal_parse(protocol, word, p, &err), "%s", err.text);
        p->number = (uint8_t)list.n;
        p->spi_len = 4;
        p->spi[3] = (uint8_t)(0xa0 + list.n);
    }
    return list;
}

static const struct {
    uint8_t protocol;
    bool with_ke;
    const char *offer, *ours;
    unsigned number; /* 0: nothing is chosen */
    const char *chosen;
} choices[] = {
    {PROTOCOL_IKE, true, "aes256-sha256-x25519", "aes256-sha256-x25519", 1, "1:12/256 2:5 3:12 4:31"},
    {PROTOCOL_IKE, true, "aes256-aes128-sha256-x25519-ecp256", "aes128-aes256-sha256-ecp256-x25519", 1,
     "1:12/128 2:5 3:12 4:19"},
    {PROTOCOL_IKE, true, "aes128-sha256-x25519 aes256gcm16-prfsha256-x25519",
     "aes256gcm16-prfsha256-x25519 aes128-sha256-x25519", 2, "1:20/256 2:5 4:31"},
    {PROTOCOL_IKE, true, "aes256-sha256-x25519", "aes128-sha256-x25519", 0, ""},
    {PROTOCOL_IKE, true, "aes256-sha256-x25519", "aes256-sha256-modp2048", 0, ""},
    {PROTOCOL_IKE, true, "aes256-sha256-x25519", "aes256-sha256-prfsha384-x25519", 0, ""},
    {PROTOCOL_IKE, true, "aes256-sha256-x25519", "aes256gcm16-prfsha256-x25519", 0, ""},
    {PROTOCOL_ESP, true, "aes256gcm16", "aes256gcm16", 1, "1:20/256 5:0"},
    {PROTOCOL_ESP, true, "aes256gcm16", "aes256gcm16-esn", 0, ""},
    {PROTOCOL_ESP, true, "aes256gcm16-noesn-esn", "aes256gcm16-esn-noesn", 1, "1:20/256 5:1"},
    {PROTOCOL_ESP, true, "aes256gcm16-x25519", "aes256gcm16", 0, ""},
    {PROTOCOL_ESP, true, "aes256gcm16", "aes256gcm16-x25519", 0, ""},
    {PROTOCOL_ESP, true, "aes256gcm16-x25519 aes256gcm16", "aes256gcm16", 2, "1:20/256 5:0"},
    {PROTOCOL_ESP, false, "aes256gcm16", "aes256gcm16-x25519", 1, "1:20/256 5:0"},
    {PROTOCOL_ESP, false, "aes256gcm16-x25519", "aes256gcm16", 1, "1:20/256 5:0"},
    {PROTOCOL_ESP, false, "aes256-sha256", "aes256gcm16 aes256-sha256", 1, "1:12/256 3:12 5:0"},
};

START_TEST(proposals_are_chosen)
{
    struct list offer = proposals(choices[_i].protocol, choices[_i].offer);
    struct list ours = proposals(choices[_i].protocol, choices[_i].ours);
    struct wire_proposal chosen;
    bool any = propose_choose(offer.p, offer.n, ours.p, ours.n, choices[_i].with_ke, &chosen);
    ck_assert_int_eq(any, choices[_i].number != 0);
    if (!any)
        return;
    char text[512];
    ck_assert_str_eq(transforms_text(&chosen, text), choices[_i].chosen);
    ck_assert_uint_eq(chosen.number, choices[_i].number);
    ck_assert_uint_eq(chosen.spi_len, 4);
    ck_assert_uint_eq(chosen.spi[3], 0xa0 + choices[_i].number);

    struct error err;
    ck_assert_msg(propose_check_answer(&chosen, 1, offer.p, offer.n, choices[_i].with_ke, &err), "%s",
                  err.text);
}
END_TEST

static void add(struct wire_proposal *p, uint8_t type, uint16_t id, uint16_t key_bits)
{
    p->transforms[p->n_transforms++] = (struct wire_transform){type, id, key_bits};
}

START_TEST(none_is_no_transform)
{
    struct list offer = proposals(PROTOCOL_ESP, "aes256gcm16"), ours = proposals(PROTOCOL_ESP, "aes256gcm16");
    struct wire_proposal chosen;
    add(&offer.p[0], TRANSFORM_INTEG, INTEG_NONE, 0);
    add(&offer.p[0], TRANSFORM_KE, KE_NONE, 0);
    ck_assert(propose_choose(offer.p, 1, ours.p, 1, true, &chosen));
    char text[512];
    ck_assert_str_eq(transforms_text(&chosen, text), "1:20/256 5:0");
    ck_assert(propose_check_answer(&offer.p[0], 1, ours.p, 1, true, NULL));

    add(&offer.p[0], TRANSFORM_KE, KE_CURVE25519, 0); /* "with or without" */
    ck_assert(propose_choose(offer.p, 1, ours.p, 1, true, &chosen));
    struct list with_ke = proposals(PROTOCOL_ESP, "aes256gcm16-x25519");
    ck_assert(propose_choose(offer.p, 1, with_ke.p, 1, true, &chosen));
    ck_assert_uint_eq(proposal_ke(&chosen), KE_CURVE25519);
}
END_TEST

START_TEST(unknown_parts_of_an_offer)
{
    struct list offer = proposals(PROTOCOL_ESP, "aes256gcm16"), ours = offer;
    struct wire_proposal chosen;
    add(&offer.p[0], TRANSFORM_ENCR, 999, 0); /* an unknown ID spoils only itself */
    ck_assert(propose_choose(offer.p, 1, ours.p, 1, true, &chosen));
    add(&offer.p[0], 6, 36, 0); /* an unknown type spoils the proposal */
    ck_assert(!propose_choose(offer.p, 1, ours.p, 1, true, &chosen));

    offer = ours;
    offer.p[0].protocol = PROTOCOL_AH;
    ck_assert(!propose_choose(offer.p, 1, ours.p, 1, true, &chosen));
    offer = ours;
    offer.p[0].transforms[0].key_bits = 0;
    ck_assert(!propose_choose(offer.p, 1, ours.p, 1, true, &chosen));
    ck_assert(!propose_choose(offer.p, 0, ours.p, 1, true, &chosen));
}
END_TEST

/* --- answers ------------------------------------------------------------------------------------- */

static void expect_refused(const struct wire_proposal *answer, size_t n, const struct list *offer,
                           bool with_ke, const char *error)
{
    struct error err = {""};
    ck_assert(!propose_check_answer(answer, n, offer->p, offer->n, with_ke, &err));
    ck_assert_str_eq(err.text, error);
}

START_TEST(wrong_answers_are_refused)
{
    struct list offer = proposals(PROTOCOL_IKE, "aes256-aes128-sha256-x25519 aes256gcm16-prfsha256-x25519");
    struct list answers = proposals(PROTOCOL_IKE, "aes128-sha256-x25519 aes256gcm16-prfsha256-x25519");
    struct wire_proposal *first = &answers.p[0], answer = *first;
    struct error err;
    ck_assert(propose_check_answer(&answers.p[0], 1, offer.p, 2, true, &err));
    ck_assert(propose_check_answer(&answers.p[1], 1, offer.p, 2, true, &err));

    expect_refused(first, 2, &offer, true, "SA answer: 2 proposals, one expected");
    expect_refused(first, 0, &offer, true, "SA answer: 0 proposals, one expected");
    answer.number = 3;
    expect_refused(&answer, 1, &offer, true, "SA answer: proposal number 3 was not offered");
    answer.number = 0;
    expect_refused(&answer, 1, &offer, true, "SA answer: proposal number 0 was not offered");
    answer = *first;
    answer.number = 2;
    expect_refused(&answer, 1, &offer, true, "SA answer: transform ENCR 12 (128 bits) was not offered");
    answer = *first;
    answer.protocol = PROTOCOL_ESP;
    expect_refused(&answer, 1, &offer, true, "SA answer: protocol 3, offered was 1");
    answer = *first;
    add(&answer, TRANSFORM_ENCR, ENCR_AES_CBC, 256);
    expect_refused(&answer, 1, &offer, true, "SA answer: 2 transforms ENCR, one expected");
    answer = *first;
    answer.n_transforms--;
    expect_refused(&answer, 1, &offer, true, "SA answer: no transform KE");
    answer = *first;
    add(&answer, TRANSFORM_ESN, 0, 0);
    expect_refused(&answer, 1, &offer, true, "SA answer: transform ESN 0 (0 bits) was not offered");
    answer = *first;
    add(&answer, 9, 1, 0);
    expect_refused(&answer, 1, &offer, true, "SA answer: a transform of an unknown type was not offered");
    expect_refused(first, 1, &offer, false, "SA answer: a transform KE was not offered");
}
END_TEST

START_TEST(chosen_proposals_are_looked_into)
{
    struct list list =
        proposals(PROTOCOL_IKE, "aes256-sha384-prfsha512-ecp384 chacha20poly1305-prfsha256-x25519");
    struct cipher_suite suite;
    ck_assert(proposal_suite(&list.p[0], &suite));
    ck_assert_uint_eq(suite.encr, ENCR_AES_CBC);
    ck_assert_uint_eq(suite.encr_key_bits, 256);
    ck_assert_uint_eq(suite.integ, INTEG_HMAC_SHA2_384_192);
    ck_assert_uint_eq(proposal_prf(&list.p[0]), PRF_HMAC_SHA2_512);
    ck_assert_uint_eq(proposal_ke(&list.p[0]), KE_ECP_384);
    ck_assert(proposal_suite(&list.p[1], &suite));
    ck_assert_uint_eq(suite.integ, 0);
    ck_assert_ptr_null(proposal_transform(&list.p[1], TRANSFORM_INTEG));

    list = proposals(PROTOCOL_ESP, "aes256gcm16-esn aes256gcm16");
    ck_assert(proposal_esn(&list.p[0]));
    ck_assert(!proposal_esn(&list.p[1]));
    ck_assert_uint_eq(proposal_ke(&list.p[0]), 0);
    ck_assert_uint_eq(proposal_prf(&list.p[0]), 0);

    struct wire_proposal empty = {0};
    ck_assert(!proposal_suite(&empty, &suite));
    add(&empty, TRANSFORM_ENCR, ENCR_AES_CTR, 128);
    ck_assert(!proposal_suite(&empty, &suite));
}
END_TEST

/* --- selectors ----------------------------------------------------------------------------------- */

static const struct {
    const char *text, *again; /* NULL: as it was */
} selector_texts[] = {
    {"10.0.0.0/24", NULL},
    {"10.0.0.1", NULL},
    {"0.0.0.0/0", NULL},
    {"2001:db8::/64", NULL},
    {"::/0", NULL},
    {"2001:db8::1", NULL},
    {"10.0.0.1-10.0.0.9", NULL},
    {"2001:db8::1-2001:db8::ff", NULL},
    {"10.0.0.0/24[udp/53]", NULL},
    {"10.0.0.0/24[tcp]", NULL},
    {"10.0.0.1[udp/1000-2000]", NULL},
    {"10.0.0.1[97]", NULL},
    {"10.0.0.1,2001:db8::1[icmpv6],10.1.0.0/16", NULL},
    {"10.0.0.7/24", "10.0.0.0/24"},
    {"10.0.0.0-10.0.0.255", "10.0.0.0/24"},
    {"10.0.0.1/32", "10.0.0.1"},
    {"10.0.0.1 , 10.0.0.2", "10.0.0.1,10.0.0.2"},
    {"10.0.0.1[17/0-65535]", "10.0.0.1[udp]"},
};

START_TEST(selectors_are_read_and_written)
{
    struct wire_selectors s;
    struct error err;
    char text[256];
    ck_assert_msg(selectors_parse(selector_texts[_i].text, &s, &err), "%s", err.text);
    selectors_text(&s, text, sizeof text);
    ck_assert_str_eq(text,
                     selector_texts[_i].again != NULL ? selector_texts[_i].again : selector_texts[_i].text);
}
END_TEST

static const char *const wrong_selectors[] = {
    "",
    "10.0.0",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/+8",
    "2001:db8::/129",
    "10.0.0.9-10.0.0.1",
    "10.0.0.1-2001:db8::1",
    "10.0.0.1-10.0.0.9/24",
    "10.0.0.1[udp",
    "10.0.0.1[udp]x",
    "10.0.0.1[]",
    "10.0.0.1[quic]",
    "10.0.0.1[256]",
    "10.0.0.1[udp/65536]",
    "10.0.0.1[udp/9-1]",
    "10.0.0.1[udp/]",
    "10.0.0.1,",
    "10.0.0.1 10.0.0.2",
    "1,2,3,4",
    "::1,::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,::f,::10,::11",
};

START_TEST(wrong_selectors_are_refused)
{
    struct wire_selectors s;
    struct error err = {""};
    ck_assert(!selectors_parse(wrong_selectors[_i], &s, &err));
    ck_assert_msg(strncmp(err.text, "selector", 8) == 0, "%s", err.text);
}
END_TEST

START_TEST(overlong_selectors_are_refused)
{
    struct wire_selectors s;
    char text[400];
    memset(text, '1', sizeof text);
    for (size_t len = 1; len < sizeof text; len++) {
        text[len] = '\0';
        ck_assert(!selectors_parse(text, &s, NULL));
        text[len] = '1';
    }
}
END_TEST

START_TEST(selector_text_is_cut_to_size)
{
    struct wire_selectors s;
    ck_assert(selectors_parse("10.0.0.1,10.0.0.2,10.0.0.3", &s, NULL));
    for (size_t size = 1; size < 40; size++) {
        char *text = malloc(size);
        selectors_text(&s, text, size);
        ck_assert_uint_eq(strlen(text), size - 1 < 26 ? size - 1 : 26);
        ck_assert_int_eq(strncmp(text, "10.0.0.1,10.0.0.2,10.0.0.3", strlen(text)), 0);
        free(text);
    }
}
END_TEST

static const struct {
    const char *offer, *ours, *result; /* NULL: nothing is left */
} narrowings[] = {
    {"10.0.0.0/24", "10.0.0.0/24", "10.0.0.0/24"},
    {"0.0.0.0/0", "10.0.0.0/24", "10.0.0.0/24"},
    {"10.0.0.1", "10.0.0.0/24", "10.0.0.1"},
    {"10.0.0.0-10.0.0.9", "10.0.0.5-10.0.0.20", "10.0.0.5-10.0.0.9"},
    {"10.0.0.0/24", "10.0.1.0/24", NULL},
    {"10.0.0.0/24", "2001:db8::/64", NULL},
    {"::/0,0.0.0.0/0", "2001:db8::/64", "2001:db8::/64"},
    {"2001:db8::/32", "2001:db8:0:1::/64,2001:db8:0:2::/64", "2001:db8:0:1::/64,2001:db8:0:2::/64"},
    {"10.0.0.7[icmp],10.0.0.0/24", "10.0.0.0/24", "10.0.0.7[icmp],10.0.0.0/24"},
    {"10.0.0.1[udp]", "10.0.0.1[tcp]", NULL},
    {"10.0.0.1[udp/53]", "10.0.0.1", "10.0.0.1[udp/53]"},
    {"10.0.0.1", "10.0.0.1[udp/53]", "10.0.0.1[udp/53]"},
    {"10.0.0.1[udp/50-60]", "10.0.0.1[udp/55-70]", "10.0.0.1[udp/55-60]"},
    {"10.0.0.1[udp/50]", "10.0.0.1[udp/51]", NULL},
    {"10.0.0.1,10.0.0.0/24", "10.0.0.1", "10.0.0.1"},
};

START_TEST(selectors_are_narrowed)
{
    struct wire_selectors offer, ours, out;
    ck_assert(selectors_parse(narrowings[_i].offer, &offer, NULL));
    ck_assert(selectors_parse(narrowings[_i].ours, &ours, NULL));
    bool left = selectors_narrow(&offer, &ours, &out);
    ck_assert_int_eq(left, narrowings[_i].result != NULL);
    if (left) {
        char text[256];
        selectors_text(&out, text, sizeof text);
        ck_assert_str_eq(text, narrowings[_i].result);
    }
}
END_TEST

/* OPAQUE is written as ports 65535 to 0 (RFC 7296 3.13.1). */
START_TEST(opaque_ports_meet_themselves_and_any)
{
    struct wire_selectors opaque, any, one, out;
    ck_assert(selectors_parse("10.0.0.1[udp]", &any, NULL));
    ck_assert(selectors_parse("10.0.0.1[udp/53]", &one, NULL));
    opaque = any;
    opaque.list[0].port_first = UINT16_MAX;
    opaque.list[0].port_last = 0;
    ck_assert(selectors_narrow(&opaque, &any, &out));
    ck_assert_uint_eq(out.list[0].port_first, UINT16_MAX);
    ck_assert_uint_eq(out.list[0].port_last, 0);
    ck_assert(selectors_narrow(&any, &opaque, &out));
    ck_assert_uint_eq(out.list[0].port_first, UINT16_MAX);
    ck_assert(selectors_narrow(&opaque, &opaque, &out));
    ck_assert(!selectors_narrow(&opaque, &one, &out));
    ck_assert(!selectors_narrow(&one, &opaque, &out));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ike propose");
    TCase *propose = tcase_create("proposals"), *selectors = tcase_create("selectors");
    tcase_add_loop_test(propose, notations_are_read, 0, COUNT(notations));
    tcase_add_loop_test(propose, wrong_notations_are_refused, 0, COUNT(wrong_notations));
    tcase_add_loop_test(propose, proposals_are_chosen, 0, COUNT(choices));
    tcase_add_test(propose, none_is_no_transform);
    tcase_add_test(propose, unknown_parts_of_an_offer);
    tcase_add_test(propose, wrong_answers_are_refused);
    tcase_add_test(propose, chosen_proposals_are_looked_into);
    tcase_add_loop_test(selectors, selectors_are_read_and_written, 0, COUNT(selector_texts));
    tcase_add_loop_test(selectors, wrong_selectors_are_refused, 0, COUNT(wrong_selectors));
    tcase_add_test(selectors, overlong_selectors_are_refused);
    tcase_add_test(selectors, selector_text_is_cut_to_size);
    tcase_add_loop_test(selectors, selectors_are_narrowed, 0, COUNT(narrowings));
    tcase_add_test(selectors, opaque_ports_meet_themselves_and_any);
    suite_add_tcase(suite, propose);
    suite_add_tcase(suite, selectors);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
