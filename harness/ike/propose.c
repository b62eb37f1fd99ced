#include "ike/propose.h"

/* INTEG NONE and KE NONE say the same as no transform of that type (RFC 7296 3.3.2, 3.3.3). */
static bool says_none(const struct wire_transform *t)
{
    return (t->type == TRANSFORM_INTEG && t->id == INTEG_NONE) ||
           (t->type == TRANSFORM_KE && t->id == KE_NONE);
}

static bool same_transform(const struct wire_transform *a, const struct wire_transform *b)
{
    return a->type == b->type && a->id == b->id && a->key_bits == b->key_bits;
}

static bool names_transform(const struct wire_proposal *p, const struct wire_transform *wanted)
{
    for (unsigned i = 0; i < p->n_transforms; i++)
        if (same_transform(&p->transforms[i], wanted))
            return true;
    return false;
}

/* Does the proposal leave this type out, or allow to? */
static bool allows_none(const struct wire_proposal *p, uint8_t type)
{
    bool named = false;
    for (unsigned i = 0; i < p->n_transforms; i++) {
        if (p->transforms[i].type != type)
            continue;
        if (says_none(&p->transforms[i]))
            return true;
        named = true;
    }
    return !named;
}

static bool is_known_type(uint8_t type)
{
    return type >= TRANSFORM_ENCR && type <= TRANSFORM_ESN;
}

/* Puts the first of our transforms of that type that is offered into `chosen`. */
static bool choose_type(const struct wire_proposal *offer, const struct wire_proposal *ours, uint8_t type,
                        struct wire_proposal *chosen)
{
    for (unsigned i = 0; i < ours->n_transforms; i++) {
        const struct wire_transform *t = &ours->transforms[i];
        if (t->type == type && !says_none(t) && names_transform(offer, t)) {
            chosen->transforms[chosen->n_transforms++] = *t;
            return true;
        }
    }
    return allows_none(offer, type) && allows_none(ours, type);
}

static bool choose_from(const struct wire_proposal *offer, const struct wire_proposal *ours, bool with_ke,
                        struct wire_proposal *chosen)
{
    if (offer->protocol != ours->protocol)
        return false;

    /* RFC 7296 3.3.6: a transform type that is not understood spoils its proposal, an ID only itself. */
    for (unsigned i = 0; i < offer->n_transforms; i++)
        if (!is_known_type(offer->transforms[i].type))
            return false;

    *chosen = *offer;
    chosen->n_transforms = 0;
    memset(chosen->transforms, 0, sizeof chosen->transforms);
    for (uint8_t type = TRANSFORM_ENCR; type <= TRANSFORM_ESN; type++)
        if ((type != TRANSFORM_KE || with_ke) && !choose_type(offer, ours, type, chosen))
            return false;
    return true;
}

bool propose_choose(const struct wire_proposal *offered, size_t n_offered, const struct wire_proposal *ours,
                    size_t n_ours, bool with_ke, struct wire_proposal *chosen)
{
    for (size_t i = 0; i < n_ours; i++)
        for (size_t j = 0; j < n_offered; j++)
            if (choose_from(&offered[j], &ours[i], with_ke, chosen))
                return true;
    return false;
}

static const char *type_text(uint8_t type)
{
    const char *name = transform_type_name(type);
    return name != NULL ? name : "of an unknown type";
}

static bool check_answered_type(const struct wire_proposal *answer, const struct wire_proposal *offer,
                                uint8_t type, struct error *err)
{
    unsigned count = 0;
    for (unsigned i = 0; i < answer->n_transforms; i++) {
        const struct wire_transform *t = &answer->transforms[i];
        if (t->type != type || says_none(t))
            continue;
        if (!names_transform(offer, t))
            return fail(err, "SA answer: transform %s %u (%u bits) was not offered", type_text(type), t->id,
                        t->key_bits);
        count++;
    }
    if (count > 1)
        return fail(err, "SA answer: %u transforms %s, one expected", count, type_text(type));
    if (count == 0 && !allows_none(offer, type))
        return fail(err, "SA answer: no transform %s", type_text(type));
    return true;
}

bool propose_check_answer(const struct wire_proposal *answer, size_t n_answer,
                          const struct wire_proposal *offered, size_t n_offered, bool with_ke,
                          struct error *err)
{
    if (n_answer != 1)
        return fail(err, "SA answer: %zu proposals, one expected", n_answer);

    /* Offers are numbered from 1 in their order (RFC 7296 3.3.1). */
    if (answer->number == 0 || answer->number > n_offered)
        return fail(err, "SA answer: proposal number %u was not offered", answer->number);
    const struct wire_proposal *offer = &offered[answer->number - 1];
    if (answer->protocol != offer->protocol)
        return fail(err, "SA answer: protocol %u, offered was %u", answer->protocol, offer->protocol);

    for (unsigned i = 0; i < answer->n_transforms; i++) {
        const struct wire_transform *t = &answer->transforms[i];
        if (!is_known_type(t->type) || (t->type == TRANSFORM_KE && !with_ke && !says_none(t)))
            return fail(err, "SA answer: a transform %s was not offered", type_text(t->type));
    }
    for (uint8_t type = TRANSFORM_ENCR; type <= TRANSFORM_ESN; type++)
        if ((type != TRANSFORM_KE || with_ke) && !check_answered_type(answer, offer, type, err))
            return false;
    return true;
}

const struct wire_transform *proposal_transform(const struct wire_proposal *p, uint8_t type)
{
    for (unsigned i = 0; i < p->n_transforms; i++)
        if (p->transforms[i].type == type)
            return &p->transforms[i];
    return NULL;
}

static uint16_t transform_id(const struct wire_proposal *p, uint8_t type)
{
    const struct wire_transform *t = proposal_transform(p, type);
    return t != NULL ? t->id : 0;
}

bool proposal_suite(const struct wire_proposal *chosen, struct cipher_suite *out)
{
    const struct wire_transform *encr = proposal_transform(chosen, TRANSFORM_ENCR);
    if (encr == NULL)
        return false;
    *out = (struct cipher_suite){
        .encr = encr->id,
        .encr_key_bits = encr->key_bits,
        .integ = transform_id(chosen, TRANSFORM_INTEG),
    };
    struct cipher_sizes sizes;
    return cipher_sizes_of(out, &sizes);
}

uint16_t proposal_prf(const struct wire_proposal *chosen)
{
    return transform_id(chosen, TRANSFORM_PRF);
}

uint16_t proposal_ke(const struct wire_proposal *chosen)
{
    return transform_id(chosen, TRANSFORM_KE);
}

bool proposal_esn(const struct wire_proposal *chosen)
{
    return transform_id(chosen, TRANSFORM_ESN) != 0;
}
