#include "cluster/context.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/context_values.h"
#include "ike/propose.h"

void context_free(char *text)
{
    if (!text)
        return;
    crypto_wipe(text, strlen(text));
    free(text);
}

/* --- writing ------------------------------------------------------------------------------------- */

static bool key_lengths_of(const struct wire_proposal *proposal, bool ike, struct key_lengths *out)
{
    struct cipher_suite suite;
    struct cipher_sizes sizes;
    if (!proposal_suite(proposal, &suite) || !cipher_sizes_of(&suite, &sizes))
        return false;
    *out = (struct key_lengths){.prf = ike ? prf_len(proposal_prf(proposal)) : 0,
                                .encr = sizes.encr_key_len,
                                .integ = sizes.integ_key_len};
    return !ike || out->prf != 0;
}

static json_t *write_fields(const struct context_field *fields, size_t count, const struct key_lengths *keys,
                            const void *base)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < count; i++) {
        if (json_object_set_new(object, fields[i].name, context_value_write(&fields[i], keys, base)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *write_children(const struct ike_snapshot *snapshot)
{
    json_t *list = json_array();
    for (unsigned i = 0; list && i < snapshot->n_children; i++) {
        const struct child_snapshot *child = &snapshot->children[i];
        struct key_lengths keys;
        json_t *object = key_lengths_of(&child->proposal, false, &keys)
                             ? write_fields(child_context_fields, n_child_context_fields, &keys, child)
                             : NULL;
        if (!object || json_array_append_new(list, object) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Into memory of the right size at once: a buffer that grows would leave copies of the keys behind. */
char *context_text(const json_t *context)
{
    size_t len = json_dumpb(context, NULL, 0, JSON_COMPACT);
    char *text = len ? malloc(len + 1) : NULL;
    if (!text)
        return NULL;
    json_dumpb(context, text, len, JSON_COMPACT);
    text[len] = '\0';
    return text;
}

char *context_write(const struct ike_snapshot *snapshot)
{
    struct key_lengths keys;
    if (!key_lengths_of(&snapshot->proposal, true, &keys))
        return NULL;
    json_t *ike = write_fields(ike_context_fields, n_ike_context_fields, &keys, snapshot);
    json_t *children = write_children(snapshot);
    if (!ike || !children) {
        json_decref(ike);
        json_decref(children);
        return NULL;
    }
    json_t *context = json_pack("{s:i, s:i, s:o, s:o}", "context_version", CONTEXT_VERSION, "ike_version", 2,
                                "ike_sa", ike, "child_sas", children);
    if (!context)
        return NULL;
    char *text = context_text(context);
    context_value_forget(context);
    json_decref(context);
    return text;
}

/* --- reading ------------------------------------------------------------------------------------- */

static const struct context_field *find_field(const struct context_field *fields, size_t count,
                                              const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

static bool knows_all_fields(const struct context_field *fields, size_t count, json_t *object,
                             struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (!find_field(fields, count, name))
            return fail(err, "field \"%.40s\" is unknown", name);
    }
    return true;
}

static bool proposal_decides(const struct wire_proposal *proposal, bool ike, struct key_lengths *keys,
                             struct error *err)
{
    uint8_t protocol = ike ? PROTOCOL_IKE : PROTOCOL_ESP;
    if (proposal->protocol != protocol)
        return fail(err, "is for protocol %u, not %u", proposal->protocol, protocol);
    return key_lengths_of(proposal, ike, keys) || fail(err, "is not a complete proposal");
}

static bool read_fields(const struct context_field *fields, size_t count, json_t *object, bool ike,
                        void *base, struct error *err)
{
    struct key_lengths keys = {0};
    if (!json_is_object(object))
        return fail(err, "must be an object");
    if (!knows_all_fields(fields, count, object, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        if (!value)
            return fail(err, "field \"%s\" is missing", fields[i].name);
        if (!context_value_read(&fields[i], &keys, value, base, err))
            return fail_within(err, "field \"%s\"", fields[i].name);
        if (fields[i].kind == FIELD_PROPOSAL &&
            !proposal_decides((const void *)((char *)base + fields[i].offset), ike, &keys, err))
            return fail_within(err, "field \"%s\"", fields[i].name);
    }
    return true;
}

/* --- values that are well-formed each, and cannot be true together -------------------------------- */

static bool is_zero(const uint8_t *at, size_t len)
{
    while (len > 0 && at[len - 1] == 0)
        len--;
    return len == 0;
}

static bool counters_are_consistent(const struct ike_snapshot *s, struct error *err)
{
    if (s->next_send > UINT64_C(1) << 32)
        return fail(err, "field \"next_send\" is beyond 2^32");
    if (s->next_recv > UINT64_C(1) << 32)
        return fail(err, "field \"next_receive\" is beyond 2^32");
    if (s->window_send == 0 || s->window_recv == 0)
        return fail(err, "field \"%s\" must be at least 1",
                    s->window_send ? "window_receive" : "window_send");
    /* Nothing above the window is ever accepted, and an M1 moves next_receive to itself at least. */
    if (s->highest_seen >= 0 && (uint64_t)s->highest_seen >= s->next_recv + s->window_recv)
        return fail(err, "field \"highest_seen\" is beyond \"next_receive\" and its window");
    return true;
}

static bool child_is_consistent(const struct ike_snapshot *s, unsigned index, struct error *err)
{
    const struct child_snapshot *c = &s->children[index];
    for (unsigned k = 0; k < index; k++)
        if (c->spi_in == s->children[k].spi_in)
            return fail(err, "field \"spi_inbound\" is that of child_sas[%u]", k);
    if (!c->spi_in || !c->spi_out)
        return fail(err, "field \"%s\" is zero", c->spi_in ? "spi_outbound" : "spi_inbound");
    if (c->local.family != c->remote.family)
        return fail(err, "fields \"local_address\" and \"remote_address\" are of different families");
    if (!proposal_esn(&c->proposal) && (c->seq_out > UINT32_MAX || c->seq_in > UINT32_MAX))
        return fail(err, "field \"%s\" is beyond 2^32 - 1, without extended sequence numbers",
                    c->seq_in > UINT32_MAX ? "replay_highest" : "sequence_number");
    /* Bit n is sequence number replay_highest - n, and there is none below 1. */
    if (c->seq_in < 64 && c->replay_bitmap >> c->seq_in != 0)
        return fail(err, "field \"replay_bitmap\" has bits below sequence number 1");
    return true;
}

static bool is_consistent(const struct ike_snapshot *s, struct error *err)
{
    if (is_zero(s->spi_i, sizeof s->spi_i) || is_zero(s->spi_r, sizeof s->spi_r))
        return fail(err, "ike_sa: field \"%s\" is zero",
                    is_zero(s->spi_i, sizeof s->spi_i) ? "spi_initiator" : "spi_responder");
    if (s->local.family != s->remote.family)
        return fail(err, "ike_sa: fields \"local_address\" and \"remote_address\" are of different families");
    if (s->nonce_i_len < 16 || s->nonce_r_len < 16)
        return fail(err, "ike_sa: field \"%s\" must be 16 octets or more",
                    s->nonce_i_len < 16 ? "nonce_initiator" : "nonce_responder");
    if (!counters_are_consistent(s, err))
        return fail_within(err, "ike_sa");
    for (unsigned i = 0; i < s->n_children; i++)
        if (!child_is_consistent(s, i, err))
            return fail_within(err, "child_sas[%u]", i);
    return true;
}

/* --- the whole ----------------------------------------------------------------------------------- */

static bool read_snapshot(json_t *ike, json_t *children, struct ike_snapshot *out, struct error *err)
{
    if (!read_fields(ike_context_fields, n_ike_context_fields, ike, true, out, err))
        return fail_within(err, "ike_sa");
    out->keys.prf = proposal_prf(&out->proposal);
    if (!proposal_suite(&out->proposal, &out->keys.suite))
        return fail(err, "ike_sa: field \"proposal\" is not a complete proposal");
    for (unsigned i = 0; i < out->n_children; i++)
        if (!read_fields(child_context_fields, n_child_context_fields, json_array_get(children, i), false,
                         &out->children[i], err))
            return fail_within(err, "child_sas[%u]", i);
    return is_consistent(out, err);
}

static bool check_versions(json_t *context, struct error *err)
{
    static const char *const known[] = {"context_version", "ike_version", "ike_sa", "child_sas"};
    const json_t *version = json_object_get(context, "context_version");
    if (!json_is_integer(version))
        return fail(err, "field \"context_version\" is missing or no number");
    if (json_integer_value(version) != CONTEXT_VERSION)
        return fail(err, "field \"context_version\" is %lld; only version %d is known",
                    (long long)json_integer_value(version), CONTEXT_VERSION);
    const json_t *ike_version = json_object_get(context, "ike_version");
    if (!json_is_integer(ike_version) || json_integer_value(ike_version) != 2)
        return fail(err, "field \"ike_version\" is missing or not 2");
    const char *name;
    json_t *value;
    json_object_foreach(context, name, value)
    {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(name, known[i]) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            return fail(err, "field \"%.40s\" is unknown", name);
    }
    return true;
}

static struct ike_snapshot *snapshot_from(json_t *context, struct error *err)
{
    json_t *children = json_object_get(context, "child_sas"), *ike = json_object_get(context, "ike_sa");
    if (!json_is_array(children) || json_array_size(children) > SNAPSHOT_MAX_CHILDREN) {
        fail(err, "field \"child_sas\" must be a list of at most %d", SNAPSHOT_MAX_CHILDREN);
        return NULL;
    }
    size_t n = json_array_size(children);
    struct ike_snapshot *s = calloc(1, sizeof *s + n * sizeof s->children[0]);
    if (!s) {
        fail(err, "out of memory");
        return NULL;
    }
    s->n_children = (uint16_t)n;
    if (read_snapshot(ike, children, s, err))
        return s;
    ike_snapshot_free(s);
    return NULL;
}

struct ike_snapshot *context_read(const char *text, struct error *err)
{
    json_error_t where;
    json_t *context = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (!context) {
        fail(err, "context: line %d: %.200s", where.line, where.text);
        return NULL;
    }
    struct ike_snapshot *s = check_versions(context, err) ? snapshot_from(context, err) : NULL;
    context_value_forget(context);
    json_decref(context);
    if (!s)
        fail_within(err, "context");
    return s;
}
