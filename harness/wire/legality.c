#include "wire/ike.h"

#include <stdio.h>

#include "wire/format.h"

enum { MANY = 255, MAX_ROWS = 9 };

/* How often a payload may stand in a message, and the section that says so. */
struct occurrence {
    uint8_t payload;
    uint8_t min, max;
    const char *section; /* of RFC 7296 where no other document is named */
};

/* A form that messages of an exchange have. A message is held to the first whose mark it bears: any payload
 * of `marked_by`, or the notify `marked_by_notify`. A form without marks takes all that got so far. */
struct form {
    uint8_t exchange;
    bool response, inside_sk;
    const char *name;
    uint32_t marked_by;
    uint16_t marked_by_notify;
    struct occurrence rows[MAX_ROWS]; /* to the first of PAYLOAD_NONE; what is not named is not allowed */
};

/* clang-format off */
#define MARK(name)   (UINT32_C(1) << (PAYLOAD_##name - PAYLOAD_SA))
#define NOTHING_ELSE {{0}}
#define SK_ALONE     {{PAYLOAD_SK, 1, 1, "3.14"}}
#define SKF_ALONE    {{PAYLOAD_SKF, 1, 1, "RFC 7383 2.5"}}

/* exchange, direction, protection */
#define INIT_REQUEST                   EXCHANGE_IKE_SA_INIT, false, false
#define INIT_RESPONSE                  EXCHANGE_IKE_SA_INIT, true, false
#define AUTH_REQUEST                   EXCHANGE_IKE_AUTH, false, true
#define AUTH_RESPONSE                  EXCHANGE_IKE_AUTH, true, true
#define CREATE_REQUEST                 EXCHANGE_CREATE_CHILD_SA, false, true
#define CREATE_RESPONSE                EXCHANGE_CREATE_CHILD_SA, true, true
#define INFORM_REQUEST                 EXCHANGE_INFORMATIONAL, false, true
#define INFORM_RESPONSE                EXCHANGE_INFORMATIONAL, true, true
#define OUTSIDE_OF(exchange, response) EXCHANGE_##exchange, response, false

static const struct form forms[] = {
    /* --- IKE_SA_INIT: RFC 7296 C.1 ------------------------------------------------------------------- */
    {INIT_REQUEST, "", 0, 0, {
        {PAYLOAD_SA,      1, 1,    "1.2"},
        {PAYLOAD_KE,      1, 1,    "1.2"},
        {PAYLOAD_NONCE,   1, 1,    "1.2"},
    }},
    {INIT_RESPONSE, " with COOKIE", 0, NOTIFY_COOKIE, NOTHING_ELSE},                         /* 2.6 */
    {INIT_RESPONSE, " with INVALID_KE_PAYLOAD", 0, NOTIFY_INVALID_KE_PAYLOAD, NOTHING_ELSE}, /* 1.2 */
    {INIT_RESPONSE, "", 0, 0, {
        {PAYLOAD_SA,      1, 1,    "1.2"},
        {PAYLOAD_KE,      1, 1,    "1.2"},
        {PAYLOAD_NONCE,   1, 1,    "1.2"},
        {PAYLOAD_CERTREQ, 0, MANY, "1.2"},
    }},

    /* --- IKE_AUTH: RFC 7296 C.2, C.3 ----------------------------------------------------------------- */
    {AUTH_REQUEST, " with EAP", MARK(EAP), 0, {
        {PAYLOAD_EAP,     1, 1,    "2.16"},
    }},
    {AUTH_REQUEST, " with a Child SA", MARK(SA), 0, {
        {PAYLOAD_IDI,     1, 1,    "1.2"},
        {PAYLOAD_CERT,    0, MANY, "1.2"},
        {PAYLOAD_CERTREQ, 0, MANY, "1.2"},
        {PAYLOAD_IDR,     0, 1,    "1.2"},
        {PAYLOAD_AUTH,    0, 1,    "2.16"}, /* left out to ask for EAP */
        {PAYLOAD_CP,      0, 1,    "2.19"},
        {PAYLOAD_SA,      1, 1,    "1.2"},
        {PAYLOAD_TSI,     1, 1,    "1.2"},
        {PAYLOAD_TSR,     1, 1,    "1.2"},
    }},
    {AUTH_REQUEST, " without a Child SA", MARK(IDI), 0, {
        {PAYLOAD_IDI,     1, 1,    "RFC 6023 4"},
        {PAYLOAD_CERT,    0, MANY, "RFC 6023 4"},
        {PAYLOAD_CERTREQ, 0, MANY, "RFC 6023 4"},
        {PAYLOAD_IDR,     0, 1,    "RFC 6023 4"},
        {PAYLOAD_AUTH,    0, 1,    "RFC 6023 4"},
        {PAYLOAD_CP,      0, 1,    "RFC 6023 4"},
    }},
    {AUTH_REQUEST, " after EAP", 0, 0, {
        {PAYLOAD_AUTH,    1, 1,    "2.16"},
    }},
    {AUTH_RESPONSE, " with EAP", MARK(EAP), 0, {
        {PAYLOAD_IDR,     0, 1,    "2.16"},
        {PAYLOAD_CERT,    0, MANY, "2.16"},
        {PAYLOAD_AUTH,    0, 1,    "2.16"}, /* in the first one, unless RFC 5998 is used */
        {PAYLOAD_EAP,     1, 1,    "2.16"},
    }},
    {AUTH_RESPONSE, " with a Child SA", MARK(SA), 0, {
        {PAYLOAD_IDR,     0, 1,    "1.2"}, /* not after EAP */
        {PAYLOAD_CERT,    0, MANY, "1.2"},
        {PAYLOAD_AUTH,    1, 1,    "1.2"},
        {PAYLOAD_CP,      0, 1,    "2.19"},
        {PAYLOAD_SA,      1, 1,    "1.2"},
        {PAYLOAD_TSI,     1, 1,    "1.2"},
        {PAYLOAD_TSR,     1, 1,    "1.2"},
    }},
    {AUTH_RESPONSE, " without a Child SA", 0, 0, {
        {PAYLOAD_IDR,     0, 1,    "1.2"},
        {PAYLOAD_CERT,    0, MANY, "1.2"},
        {PAYLOAD_AUTH,    1, 1,    "1.2"},
        {PAYLOAD_CP,      0, 1,    "RFC 6023 4"},
    }},

    /* --- CREATE_CHILD_SA: RFC 7296 C.4, C.5 ---------------------------------------------------------- */
    {CREATE_REQUEST, " for a Child SA", MARK(TSI) | MARK(TSR), 0, {
        {PAYLOAD_CP,      0, 1,    "2.19"},
        {PAYLOAD_SA,      1, 1,    "1.3.1"},
        {PAYLOAD_NONCE,   1, 1,    "1.3.1"},
        {PAYLOAD_KE,      0, 1,    "1.3.1"},
        {PAYLOAD_TSI,     1, 1,    "1.3.1"},
        {PAYLOAD_TSR,     1, 1,    "1.3.1"},
    }},
    {CREATE_REQUEST, " for an IKE SA", 0, 0, {
        {PAYLOAD_SA,      1, 1,    "1.3.2"},
        {PAYLOAD_NONCE,   1, 1,    "1.3.2"},
        {PAYLOAD_KE,      1, 1,    "1.3.2"},
    }},
    {CREATE_RESPONSE, " with INVALID_KE_PAYLOAD", 0, NOTIFY_INVALID_KE_PAYLOAD, NOTHING_ELSE}, /* 1.3 */
    {CREATE_RESPONSE, " for a Child SA", MARK(TSI) | MARK(TSR), 0, {
        {PAYLOAD_CP,      0, 1,    "2.19"},
        {PAYLOAD_SA,      1, 1,    "1.3.1"},
        {PAYLOAD_NONCE,   1, 1,    "1.3.1"},
        {PAYLOAD_KE,      0, 1,    "1.3.1"},
        {PAYLOAD_TSI,     1, 1,    "1.3.1"},
        {PAYLOAD_TSR,     1, 1,    "1.3.1"},
    }},
    {CREATE_RESPONSE, " for an IKE SA", 0, 0, {
        {PAYLOAD_SA,      1, 1,    "1.3.2"},
        {PAYLOAD_NONCE,   1, 1,    "1.3.2"},
        {PAYLOAD_KE,      1, 1,    "1.3.2"},
    }},

    /* --- INFORMATIONAL: RFC 7296 C.6 ----------------------------------------------------------------- */
    {INFORM_REQUEST, "", 0, 0, {
        {PAYLOAD_DELETE,  0, MANY, "1.4"},
        {PAYLOAD_CP,      0, 1,    "2.19"},
    }},
    {INFORM_RESPONSE, "", 0, 0, {
        {PAYLOAD_DELETE,  0, MANY, "1.4"},
        {PAYLOAD_CP,      0, 1,    "2.19"},
    }},

    /* --- the outside of protected messages ----------------------------------------------------------- */
    {OUTSIDE_OF(IKE_AUTH, false), ", outer", MARK(SKF), 0, SKF_ALONE},
    {OUTSIDE_OF(IKE_AUTH, false), ", outer", 0, 0, SK_ALONE},
    {OUTSIDE_OF(IKE_AUTH, true), ", outer", MARK(SKF), 0, SKF_ALONE},
    {OUTSIDE_OF(IKE_AUTH, true), ", outer", 0, 0, SK_ALONE},
    {OUTSIDE_OF(CREATE_CHILD_SA, false), ", outer", MARK(SKF), 0, SKF_ALONE},
    {OUTSIDE_OF(CREATE_CHILD_SA, false), ", outer", 0, 0, SK_ALONE},
    {OUTSIDE_OF(CREATE_CHILD_SA, true), ", outer", MARK(SKF), 0, SKF_ALONE},
    {OUTSIDE_OF(CREATE_CHILD_SA, true), ", outer", 0, 0, SK_ALONE},
    {OUTSIDE_OF(INFORMATIONAL, false), ", outer", MARK(SKF), 0, SKF_ALONE},
    {OUTSIDE_OF(INFORMATIONAL, false), ", outer", MARK(SK), 0, SK_ALONE},
    {OUTSIDE_OF(INFORMATIONAL, false), " about an unknown SPI", 0, NOTIFY_INVALID_SPI,
     NOTHING_ELSE}, /* 1.5 */
    {OUTSIDE_OF(INFORMATIONAL, false), ", outer", 0, 0, SK_ALONE},
    {OUTSIDE_OF(INFORMATIONAL, true), ", outer", MARK(SKF), 0, SKF_ALONE},
    {OUTSIDE_OF(INFORMATIONAL, true), ", outer", 0, 0, SK_ALONE},
};
/* clang-format on */

enum { N_FORMS = sizeof forms / sizeof forms[0] };

static uint32_t marks_of(const struct ike_payloads *in)
{
    uint32_t marks = 0;
    for (size_t i = 0; i < in->count; i++)
        if (in->list[i].type >= PAYLOAD_SA && in->list[i].type <= PAYLOAD_SKF)
            marks |= UINT32_C(1) << (in->list[i].type - PAYLOAD_SA);
    return marks;
}

static const struct form *form_of(uint8_t exchange, bool response, bool inside_sk,
                                  const struct ike_payloads *in)
{
    uint32_t marks = marks_of(in);
    for (size_t i = 0; i < N_FORMS; i++) {
        const struct form *f = &forms[i];
        if (f->exchange != exchange || f->response != response || f->inside_sk != inside_sk)
            continue;
        bool marked = (f->marked_by & marks) != 0 ||
                      (f->marked_by_notify != 0 && ike_find_notify(in, f->marked_by_notify) != NULL);
        if (marked || (f->marked_by == 0 && f->marked_by_notify == 0))
            return f;
    }
    return NULL;
}

static bool carries_error(const struct ike_payloads *in)
{
    for (size_t i = 0; i < in->count; i++)
        if (in->list[i].type == PAYLOAD_NOTIFY && in->list[i].notify.type < NOTIFY_FIRST_STATUS)
            return true;
    return false;
}

static unsigned count_of(const struct ike_payloads *in, uint8_t type)
{
    unsigned count = 0;
    for (size_t i = 0; i < in->count; i++)
        count += in->list[i].type == type;
    return count;
}

static const struct occurrence *row_of(const struct form *f, uint8_t type)
{
    for (size_t i = 0; i < MAX_ROWS && f->rows[i].payload != PAYLOAD_NONE; i++)
        if (f->rows[i].payload == type)
            return &f->rows[i];
    return NULL;
}

/* RFC 7296 2.5: what is unknown is skipped unless it is critical, which is never set on what is known. */
static bool check_payload(const struct form *f, const struct ike_payload *p, struct error *err)
{
    if (!payload_name(p->type)) {
        if (p->critical)
            return fail(err, "payload %s at offset %zu: Critical: is set, and the type is unknown",
                        payload_label(p->type).text, p->offset);
        return true;
    }
    if (p->type == PAYLOAD_NOTIFY || p->type == PAYLOAD_VENDOR || row_of(f, p->type))
        return true;
    return fail(err, "payload %s at offset %zu: must not appear here", payload_label(p->type).text,
                p->offset);
}

static bool check_rows(const struct form *f, const struct ike_payloads *in, struct error *err)
{
    bool needs_all = !(f->response && carries_error(in));
    for (size_t i = 0; i < MAX_ROWS && f->rows[i].payload != PAYLOAD_NONE; i++) {
        const struct occurrence *row = &f->rows[i];
        const char *document = row->section[0] == 'R' ? "" : "RFC 7296 ";
        unsigned count = count_of(in, row->payload);
        if (count < row->min && needs_all)
            return fail(err, "payload %s: is missing (%s%s)", payload_label(row->payload).text, document,
                        row->section);
        if (count > row->max)
            return fail(err, "payload %s: stands %u times, at most %u (%s%s)",
                        payload_label(row->payload).text, count, row->max, document, row->section);
    }
    return true;
}

bool ike_check_legal(uint8_t exchange, bool response, bool inside_sk, const struct ike_payloads *payloads,
                     struct error *err)
{
    const char *name = exchange_name(exchange);
    if (!name)
        return fail(err, "Exchange Type: %u is unknown", exchange);
    const struct form *f = form_of(exchange, response, inside_sk, payloads);
    if (!f)
        return fail(err, "payload SK: an %s message is not protected", name);
    for (size_t i = 0; i < payloads->count; i++)
        if (!check_payload(f, &payloads->list[i], err))
            return fail_within(err, "%s %s%s", name, response ? "response" : "request", f->name);
    return check_rows(f, payloads, err) ||
           fail_within(err, "%s %s%s", name, response ? "response" : "request", f->name);
}
