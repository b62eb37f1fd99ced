/* IKE_AUTH as responder (RFC 7296 1.2, 2.4, 2.15, 2.21.2). */
#include "ike/sa.h"

static bool is_same_peer(const struct ike_sa *a, const struct ike_sa *b)
{
    return a->remote_id_type == b->remote_id_type &&
           octets_equal(blob_octets(&a->remote_id), blob_octets(&b->remote_id));
}

/* RFC 7296 2.4: the peer has no other SA with us, so what we hold is dead. It is not told so. */
static void obey_initial_contact(struct ike_sa *sa)
{
    for (struct ike_sa *other = sa->host->sas, *next; other != NULL; other = next) {
        next = other->by_id.next;
        if (other != sa && sa_is(other, SA_LIVE) && is_same_peer(sa, other))
            sa_end(other, false, 0, "replaced by INITIAL_CONTACT");
    }
}

/* An initiator that asks for an identity (IDr) other than ours is at the wrong door. */
static bool asks_for_us(const struct ike_sa *sa, const struct ike_payloads *payloads)
{
    const struct ike_identity *us = &sa->host->config->local_id;
    const struct ike_payload *id = ike_find(payloads, PAYLOAD_IDR);
    return id == NULL || auth_is_identity(us, id);
}

static bool authenticate(struct ike_sa *sa, const struct received *in, struct auth_proof *proof,
                         struct error *err)
{
    if (!asks_for_us(sa, &in->payloads))
        return fail(err, "the peer asks for another identity than ours");
    return auth_verify(sa, &in->payloads, err) && auth_read_notifies(sa, &in->payloads, err) &&
           auth_sign(sa, proof, err);
}

/* RFC 7296 1.2: an IKE SA whose first Child SA fails is established without it. */
static struct child_sa *answer_child(struct ike_sa *sa, const struct received *in, struct reply *out)
{
    if (ike_find(&in->payloads, PAYLOAD_SA) == NULL)
        return NULL;
    struct child_made made = {0};
    struct refusal no = child_answer(sa, &in->payloads, true, &out->p, &made);
    if (no.notify != 0)
        reply_notify(out, no.notify, (struct octets){0});
    return made.child;
}

/* IDr, [CERT], AUTH, [SAr2, TSi, TSr], N(...) */
void auth_respond(struct ike_sa *sa, const struct received *in, struct reply *out)
{
    const struct ike_config *config = sa->host->config;
    struct auth_proof proof;
    struct error err;
    if (!authenticate(sa, in, &proof, &err)) {
        host_drop(sa->host, sa, &in->header, "IKE_AUTH: %.70s", err.text);
        reply_refuse(out, (struct refusal){.notify = NOTIFY_AUTHENTICATION_FAILED});
        out->ends_sa = true;
        out->why = "AUTHENTICATION_FAILED";
        return;
    }
    write_payload_id(&out->p, PAYLOAD_IDR, config->local_id.type, config->local_id.data);
    auth_write_certificate(sa->host, &out->p);
    auth_write_proof(&out->p, &proof);
    sa->initial_contact = ike_find_notify(&in->payloads, NOTIFY_INITIAL_CONTACT) != NULL;
    if (config->initial_contact && sa->initial_contact)
        obey_initial_contact(sa);
    struct child_sa *child = answer_child(sa, in, out);
    auth_write_notifies(sa, &out->p, sa->sync_negotiated, sa->replay_sync_negotiated); /* NEG-6 */
    sa_established(sa, 0);
    if (child != NULL)
        child_up(sa, child, 0);
}
