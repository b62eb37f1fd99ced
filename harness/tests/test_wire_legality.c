/* Which payloads a message may carry, row by row. A message is written as a line of words: the short names of
 * its payloads; N! is an error notify, N a status notify, ? and ?! an unknown type (?! critical). */
#include <check.h>
#include <stdlib.h>

#include "wire/ike.h"

enum { INIT = EXCHANGE_IKE_SA_INIT, AUTH = EXCHANGE_IKE_AUTH, CHILD = EXCHANGE_CREATE_CHILD_SA };
enum { INFORM = EXCHANGE_INFORMATIONAL, REQUEST = 0, RESPONSE = 1, CLEAR = 0, INSIDE = 1 };

struct example {
    int exchange, response, inside_sk;
    const char *payloads;
    const char *error; /* NULL: legal */
};

static const struct {
    const char *word;
    uint8_t type;
    bool critical;
    uint16_t notify;
} words[] = {{"N", PAYLOAD_NOTIFY, false, NOTIFY_MOBIKE_SUPPORTED},
             {"N!", PAYLOAD_NOTIFY, false, NOTIFY_TS_UNACCEPTABLE},
             {"COOKIE", PAYLOAD_NOTIFY, false, NOTIFY_COOKIE},
             {"INVALID_KE", PAYLOAD_NOTIFY, false, NOTIFY_INVALID_KE_PAYLOAD},
             {"INVALID_SPI", PAYLOAD_NOTIFY, false, NOTIFY_INVALID_SPI},
             {"?", 99, false, 0},
             {"?!", 99, true, 0},
#define ROW(name, value, text) {text, value, false, 0},
             IKE_PAYLOADS(ROW)};

static void add_word(struct ike_payloads *to, const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].word) != len || strncmp(words[i].word, word, len) != 0)
            continue;
        struct ike_payload *p = &to->list[to->count++];
        *p = (struct ike_payload){.type = words[i].type, .critical = words[i].critical};
        if (p->type == PAYLOAD_NOTIFY)
            p->notify.type = words[i].notify;
        return;
    }
    ck_abort_msg("no such word: %.*s", (int)len, word);
}

static struct ike_payloads payloads_of(const char *text)
{
    struct ike_payloads in = {0};
    while (*text) {
        size_t len = strcspn(text, " ");
        add_word(&in, text, len);
        text += len + strspn(text + len, " ");
    }
    return in;
}

/* What strongSwan, libreswan and OpenIKED send, and what RFC 7296 appendix C shows. */
static const struct example legal[] = {
    {INIT, REQUEST, CLEAR, "SA KE Nonce N N N N N N V V", NULL},
    {INIT, REQUEST, CLEAR, "COOKIE SA KE Nonce N N", NULL},
    {INIT, RESPONSE, CLEAR, "SA KE Nonce N N CERTREQ N N V", NULL},
    {INIT, RESPONSE, CLEAR, "COOKIE", NULL},
    {INIT, RESPONSE, CLEAR, "INVALID_KE", NULL},
    {INIT, RESPONSE, CLEAR, "N! V", NULL},
    {INIT, REQUEST, CLEAR, "SA KE Nonce ?", NULL},
    {AUTH, REQUEST, INSIDE, "IDi CERT CERT N CERTREQ IDr AUTH CP N SA TSi TSr N N", NULL},
    {AUTH, REQUEST, INSIDE, "IDi AUTH SA TSi TSr", NULL},
    {AUTH, REQUEST, INSIDE, "IDi IDr CP SA TSi TSr N", NULL}, /* asks for EAP */
    {AUTH, REQUEST, INSIDE, "IDi AUTH N", NULL},              /* childless */
    {AUTH, REQUEST, INSIDE, "EAP", NULL},
    {AUTH, REQUEST, INSIDE, "AUTH", NULL},
    {AUTH, RESPONSE, INSIDE, "IDr CERT AUTH EAP", NULL},
    {AUTH, RESPONSE, INSIDE, "EAP", NULL},
    {AUTH, RESPONSE, INSIDE, "AUTH CP SA TSi TSr N", NULL},
    {AUTH, RESPONSE, INSIDE, "IDr CERT AUTH CP SA TSi TSr N N", NULL},
    {AUTH, RESPONSE, INSIDE, "IDr AUTH", NULL},
    {AUTH, RESPONSE, INSIDE, "IDr AUTH N N!", NULL}, /* the Child SA failed */
    {AUTH, RESPONSE, INSIDE, "N!", NULL},
    {CHILD, REQUEST, INSIDE, "SA Nonce KE", NULL},
    {CHILD, REQUEST, INSIDE, "N SA Nonce KE TSi TSr", NULL},
    {CHILD, REQUEST, INSIDE, "N N SA Nonce TSi TSr N", NULL},
    {CHILD, RESPONSE, INSIDE, "SA Nonce KE", NULL},
    {CHILD, RESPONSE, INSIDE, "SA Nonce TSi TSr N", NULL},
    {CHILD, RESPONSE, INSIDE, "INVALID_KE", NULL},
    {CHILD, RESPONSE, INSIDE, "N!", NULL},
    {INFORM, REQUEST, INSIDE, "", NULL},
    {INFORM, RESPONSE, INSIDE, "", NULL},
    {INFORM, REQUEST, INSIDE, "D D N CP V ?", NULL},
    {INFORM, RESPONSE, INSIDE, "D N", NULL},
    {AUTH, REQUEST, CLEAR, "SK", NULL},
    {AUTH, RESPONSE, CLEAR, "SKF", NULL},
    {AUTH, RESPONSE, CLEAR, "N!", NULL},
    {CHILD, REQUEST, CLEAR, "SK", NULL},
    {INFORM, REQUEST, CLEAR, "SKF", NULL},
    {INFORM, RESPONSE, CLEAR, "SK", NULL},
    {INFORM, REQUEST, CLEAR, "INVALID_SPI", NULL},
    {INFORM, RESPONSE, CLEAR, "N!", NULL},
};

static const struct example illegal[] = {
    {INIT, REQUEST, CLEAR, "", "payload SA: is missing (RFC 7296 1.2)"},
    {INIT, REQUEST, CLEAR, "KE Nonce", "payload SA: is missing"},
    {INIT, REQUEST, CLEAR, "SA Nonce", "payload KE: is missing"},
    {INIT, REQUEST, CLEAR, "SA KE", "payload Nonce: is missing"},
    {INIT, REQUEST, CLEAR, "N!", "payload SA: is missing"},
    {INIT, REQUEST, CLEAR, "SA KE KE Nonce", "payload KE: stands 2 times"},
    {INIT, REQUEST, CLEAR, "SA KE Nonce AUTH", "payload AUTH"},
    {INIT, REQUEST, CLEAR, "SA KE Nonce CERTREQ", "payload CERTREQ"},
    {INIT, REQUEST, CLEAR, "SA KE Nonce SK", "payload SK"},
    {INIT, REQUEST, CLEAR, "SA KE Nonce ?!", "Critical"},
    {INIT, REQUEST, INSIDE, "SA KE Nonce", "is not protected"},
    {INIT, RESPONSE, CLEAR, "SA Nonce", "payload KE: is missing"},
    {INIT, RESPONSE, CLEAR, "SA KE Nonce TSi", "payload TSi"},
    {INIT, RESPONSE, CLEAR, "COOKIE SA KE Nonce", "with COOKIE: payload SA"},
    {INIT, RESPONSE, CLEAR, "INVALID_KE KE", "with INVALID_KE_PAYLOAD: payload KE"},
    {AUTH, REQUEST, INSIDE, "", "payload AUTH: is missing"},
    {AUTH, REQUEST, INSIDE, "AUTH SA TSi TSr", "payload IDi: is missing"},
    {AUTH, REQUEST, INSIDE, "IDi AUTH SA TSi", "payload TSr: is missing"},
    {AUTH, REQUEST, INSIDE, "IDi AUTH SA TSr", "payload TSi: is missing"},
    {AUTH, REQUEST, INSIDE, "IDi AUTH TSi TSr", "payload TSi"},
    {AUTH, REQUEST, INSIDE, "IDi IDi AUTH SA TSi TSr", "payload IDi: stands 2 times"},
    {AUTH, REQUEST, INSIDE, "IDi AUTH KE SA TSi TSr", "payload KE"},
    {AUTH, REQUEST, INSIDE, "IDi AUTH Nonce SA TSi TSr", "payload Nonce"},
    {AUTH, REQUEST, INSIDE, "IDi AUTH EAP", "payload IDi"},
    {AUTH, REQUEST, INSIDE, "IDi AUTH SA TSi TSr D", "payload D"},
    {AUTH, REQUEST, INSIDE, "IDi AUTH SA TSi TSr SK", "payload SK"},
    {AUTH, RESPONSE, INSIDE, "IDr SA TSi TSr", "payload AUTH: is missing"},
    {AUTH, RESPONSE, INSIDE, "IDr AUTH SA TSi", "payload TSr: is missing"},
    {AUTH, RESPONSE, INSIDE, "IDi AUTH SA TSi TSr", "payload IDi"},
    {AUTH, RESPONSE, INSIDE, "IDr AUTH N! TSi", "payload TSi"},
    {AUTH, RESPONSE, INSIDE, "N", "payload AUTH: is missing"},
    {CHILD, REQUEST, INSIDE, "SA Nonce", "payload KE: is missing"},
    {CHILD, REQUEST, INSIDE, "SA KE", "payload Nonce: is missing"},
    {CHILD, REQUEST, INSIDE, "SA Nonce TSi", "payload TSr: is missing"},
    {CHILD, REQUEST, INSIDE, "SA Nonce TSr", "payload TSi: is missing"},
    {CHILD, REQUEST, INSIDE, "Nonce TSi TSr", "payload SA: is missing"},
    {CHILD, REQUEST, INSIDE, "SA Nonce KE AUTH", "payload AUTH"},
    {CHILD, RESPONSE, INSIDE, "INVALID_KE SA Nonce KE", "payload SA"},
    {CHILD, RESPONSE, INSIDE, "N", "payload SA: is missing"},
    {INFORM, REQUEST, INSIDE, "SA", "payload SA"},
    {INFORM, REQUEST, INSIDE, "CP CP", "payload CP: stands 2 times"},
    {INFORM, REQUEST, INSIDE, "?!", "Critical"},
    {INFORM, RESPONSE, INSIDE, "Nonce", "payload Nonce"},
    {AUTH, REQUEST, CLEAR, "IDi AUTH SA TSi TSr", "payload IDi"},
    {AUTH, REQUEST, CLEAR, "N!", "payload SK: is missing"},
    {AUTH, REQUEST, CLEAR, "SK SKF", "payload SK"},
    {AUTH, RESPONSE, CLEAR, "", "payload SK: is missing"},
    {CHILD, RESPONSE, CLEAR, "SA Nonce SK", "payload SA"},
    {INFORM, REQUEST, CLEAR, "", "payload SK: is missing"},
    {INFORM, REQUEST, CLEAR, "D", "payload D"},
    {INFORM, REQUEST, CLEAR, "SK INVALID_SPI D", "payload D"},
    {INFORM, RESPONSE, CLEAR, "SK SK", "payload SK: stands 2 times"},
    {43, REQUEST, INSIDE, "", "Exchange Type: 43"},
};

static bool check(const struct example *e, struct error *err)
{
    struct ike_payloads in = payloads_of(e->payloads);
    return ike_check_legal((uint8_t)e->exchange, e->response == RESPONSE, e->inside_sk == INSIDE, &in, err);
}

START_TEST(accepts)
{
    const struct example *e = &legal[_i];
    struct error err = {""};
    ck_assert_msg(check(e, &err), "{ %s }: refused: %s", e->payloads, err.text);
}
END_TEST

START_TEST(refuses)
{
    const struct example *e = &illegal[_i];
    struct error err = {""};
    ck_assert_msg(!check(e, &err), "{ %s }: accepted", e->payloads);
    ck_assert_msg(strstr(err.text, e->error) != NULL, "{ %s }: \"%s\" does not say \"%s\"", e->payloads,
                  err.text, e->error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire legality");
    TCase *tc = tcase_create("messages");
    tcase_add_loop_test(tc, accepts, 0, sizeof legal / sizeof legal[0]);
    tcase_add_loop_test(tc, refuses, 0, sizeof illegal / sizeof illegal[0]);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
