#include "ike/propose.h"

struct proposal_word {
    const char *text;
    struct wire_transform means;
    bool aead;
};

#define ENCR(text, id, bits)                                                                                 \
    {                                                                                                        \
        text, {TRANSFORM_ENCR, ENCR_##id, bits}, false                                                       \
    }
#define AEAD(text, id, bits)                                                                                 \
    {                                                                                                        \
        text, {TRANSFORM_ENCR, ENCR_##id, bits}, true                                                        \
    }
#define WORD(text, type, id)                                                                                 \
    {                                                                                                        \
        text, {TRANSFORM_##type, id, 0}, false                                                               \
    }

static const struct proposal_word words[] = {
    ENCR("aes128", AES_CBC, 128),
    ENCR("aes192", AES_CBC, 192),
    ENCR("aes256", AES_CBC, 256),
    ENCR("aes128-cbc", AES_CBC, 128),
    ENCR("aes192-cbc", AES_CBC, 192),
    ENCR("aes256-cbc", AES_CBC, 256),
    ENCR("null", NULL, 0),
    AEAD("aes128gcm8", AES_GCM_8, 128),
    AEAD("aes128gcm64", AES_GCM_8, 128),
    AEAD("aes192gcm8", AES_GCM_8, 192),
    AEAD("aes192gcm64", AES_GCM_8, 192),
    AEAD("aes256gcm8", AES_GCM_8, 256),
    AEAD("aes256gcm64", AES_GCM_8, 256),
    AEAD("aes128gcm12", AES_GCM_12, 128),
    AEAD("aes128gcm96", AES_GCM_12, 128),
    AEAD("aes192gcm12", AES_GCM_12, 192),
    AEAD("aes192gcm96", AES_GCM_12, 192),
    AEAD("aes256gcm12", AES_GCM_12, 256),
    AEAD("aes256gcm96", AES_GCM_12, 256),
    AEAD("aes128gcm16", AES_GCM_16, 128),
    AEAD("aes128gcm128", AES_GCM_16, 128),
    AEAD("aes192gcm16", AES_GCM_16, 192),
    AEAD("aes192gcm128", AES_GCM_16, 192),
    AEAD("aes256gcm16", AES_GCM_16, 256),
    AEAD("aes256gcm128", AES_GCM_16, 256),
    AEAD("chacha20poly1305", CHACHA20_POLY1305, 0),
    WORD("sha256", INTEG, INTEG_HMAC_SHA2_256_128),
    WORD("sha384", INTEG, INTEG_HMAC_SHA2_384_192),
    WORD("sha512", INTEG, INTEG_HMAC_SHA2_512_256),
    WORD("prfsha256", PRF, PRF_HMAC_SHA2_256),
    WORD("prfsha384", PRF, PRF_HMAC_SHA2_384),
    WORD("prfsha512", PRF, PRF_HMAC_SHA2_512),
    WORD("x25519", KE, KE_CURVE25519),
    WORD("curve25519", KE, KE_CURVE25519),
    WORD("ecp256", KE, KE_ECP_256),
    WORD("ecp384", KE, KE_ECP_384),
    WORD("ecp521", KE, KE_ECP_521),
    WORD("modp2048", KE, KE_MODP_2048),
    WORD("modp3072", KE, KE_MODP_3072),
    WORD("modp4096", KE, KE_MODP_4096),
    WORD("noesn", ESN, 0),
    WORD("esn", ESN, 1),
};

/* What the words said so far, in their order. */
struct said {
    bool aead, plain; /* kinds of encryption */
    unsigned n;
    struct wire_transform list[IKE_MAX_TRANSFORMS];
};

/* The longest word at the start of `text` that ends there or before a hyphen. */
static const struct proposal_word *find_word(const char *text)
{
    const struct proposal_word *best = NULL;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strlen(words[i].text);
        if (strncmp(text, words[i].text, len) == 0 && (text[len] == '\0' || text[len] == '-') &&
            (best == NULL || len > strlen(best->text)))
            best = &words[i];
    }
    return best;
}

static bool says(const struct said *s, uint8_t type)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->list[i].type == type)
            return true;
    return false;
}

static bool say(struct said *s, struct wire_transform t, struct error *err)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->list[i].type == t.type && s->list[i].id == t.id && s->list[i].key_bits == t.key_bits)
            return true;
    if (s->n == IKE_MAX_TRANSFORMS)
        return fail(err, "more than %d transforms", IKE_MAX_TRANSFORMS);
    s->list[s->n++] = t;
    return true;
}

static bool read_words(const char *text, struct said *s, struct error *err)
{
    for (;;) {
        const struct proposal_word *word = find_word(text);
        if (word == NULL)
            return fail(err, "\"%.*s\" is not an algorithm", (int)strcspn(text, "-"), text);
        if (word->means.type == TRANSFORM_ENCR) {
            s->aead = s->aead || word->aead;
            s->plain = s->plain || !word->aead;
        }
        if (!say(s, word->means, err))
            return false;
        text += strlen(word->text);
        if (*text == '\0')
            return true;
        text++;
    }
}

static uint16_t prf_beside(uint16_t integ)
{
    switch (integ) {
    case INTEG_HMAC_SHA2_256_128:
        return PRF_HMAC_SHA2_256;
    case INTEG_HMAC_SHA2_384_192:
        return PRF_HMAC_SHA2_384;
    default:
        return PRF_HMAC_SHA2_512;
    }
}

static bool derive_prfs(struct said *s, struct error *err)
{
    for (unsigned i = 0, n = s->n; i < n; i++)
        if (s->list[i].type == TRANSFORM_INTEG &&
            !say(s, (struct wire_transform){TRANSFORM_PRF, prf_beside(s->list[i].id), 0}, err))
            return false;
    return true;
}

/* Adds what goes without saying to an IKE proposal and checks that all is there (RFC 7296 3.3.3). */
static bool complete_ike(struct said *s, struct error *err)
{
    if (says(s, TRANSFORM_ESN))
        return fail(err, "\"esn\" and \"noesn\" are for ESP");
    for (unsigned i = 0; i < s->n; i++)
        if (s->list[i].type == TRANSFORM_ENCR && s->list[i].id == ENCR_NULL)
            return fail(err, "\"null\" is for ESP");
    if (!says(s, TRANSFORM_PRF) && !derive_prfs(s, err))
        return false;
    if (!says(s, TRANSFORM_PRF))
        return fail(err, "no PRF (prfsha256, ...)");
    return says(s, TRANSFORM_KE) || fail(err, "no key exchange (x25519, ecp256, modp2048, ...)");
}

static bool complete_esp(struct said *s, struct error *err)
{
    if (says(s, TRANSFORM_PRF))
        return fail(err, "a PRF is for IKE");
    if (s->aead && says(s, TRANSFORM_INTEG))
        return fail(err, "an AEAD takes no integrity");
    return says(s, TRANSFORM_ESN) || say(s, (struct wire_transform){TRANSFORM_ESN, 0, 0}, err);
}

static bool complete(uint8_t protocol, struct said *s, struct error *err)
{
    if (!says(s, TRANSFORM_ENCR))
        return fail(err, "no encryption");
    /* RFC 7296 3.3: they differ in what stands beside them, so they need a proposal each. */
    if (s->aead && s->plain)
        return fail(err, "an AEAD and other encryption need a proposal each");
    if (s->plain && !says(s, TRANSFORM_INTEG))
        return fail(err, "no integrity (sha256, ...)");
    return protocol == PROTOCOL_IKE ? complete_ike(s, err) : complete_esp(s, err);
}

bool proposal_parse(uint8_t protocol, const char *text, struct wire_proposal *out, struct error *err)
{
    struct said s = {0};
    if (!read_words(text, &s, err) || !complete(protocol, &s, err))
        return fail_within(err, "proposal \"%s\"", text);

    *out = (struct wire_proposal){.protocol = protocol};
    for (uint8_t type = TRANSFORM_ENCR; type <= TRANSFORM_ESN; type++) {
        if (type == TRANSFORM_INTEG && s.aead)
            continue; /* with an AEAD the word named the PRF only */
        for (unsigned i = 0; i < s.n; i++)
            if (s.list[i].type == type)
                out->transforms[out->n_transforms++] = s.list[i];
    }
    return true;
}
