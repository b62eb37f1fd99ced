/* Rules of a message by itself: its form, its protection, its header. */
#include "stage/monitor_parts.h"

/* What is wrong with the form of this packet; NULL: nothing. `err` gets more about it. */
static const char *malformed(const struct monitor *m, const struct wire_packet *p, struct error *err)
{
    bool response = p->readable && ike_is_response(&p->header);
    if (!p->readable)
        return "no readable IKE message";
    if (!p->outer)
        return "its payloads cannot be read";
    if (p->opened && !p->inner)
        return "the payloads inside SK cannot be read";
    if (protects(p) && !p->opened && !p->fragments && has_keys(m, p))
        return "SK is not opened by the keys of its IKE SA";
    if (p->inner && !ike_check_legal(p->header.exchange, response, true, p->inner, err))
        return err->text;
    if (!protects(p) && !is_in_clear(m, p) &&
        !ike_check_legal(p->header.exchange, response, false, p->outer, err))
        return err->text;
    return NULL;
}

/* IKE-5: header, chain and payloads can be read and may be there. */
void judge_form(struct monitor *m, const struct wire_packet *p)
{
    struct error err;
    err.text[0] = '\0'; /* the rest is not read, and this is done for each packet */
    const char *why = malformed(m, p, &err);
    if (!why)
        return;
    m->report.tags |= TAG(MALFORMED);
    monitor_found(m, "IKE-5", p, NULL,
                  "messages that can be read, with the payloads that their exchange allows", "packet %u: %s",
                  p->number, why);
}

/* RFC 7296 1.5, 2.5: what reaches an end that has no such IKE SA any more, or does not know the version, may
 * be answered in clear by this alone. */
static bool is_of_no_sa(const struct wire_packet *p)
{
    const struct ike_payload *only = p->outer->count == 1 ? &p->outer->list[0] : NULL;
    return only && ike_is_response(&p->header) && only->type == PAYLOAD_NOTIFY &&
           (only->notify.type == NOTIFY_INVALID_IKE_SPI || only->notify.type == NOTIFY_INVALID_MAJOR_VERSION);
}

/* IKE-4: nothing of an IKE SA is in clear, but for the answer to what was in clear or reached none. */
void judge_protection(struct monitor *m, const struct wire_packet *p)
{
    if (!is_in_clear(m, p) || is_of_no_sa(p))
        return;
    FOR_EACH_WITH (q, m, said, hash_of_said(p, !p->from_peer, false))
        if (ike_is_response(&p->header) && asks_for(q, p) && !protects(q))
            return;
    monitor_found(m, "IKE-4", p, NULL, "after IKE_SA_INIT all payloads are inside SK",
                  "packet %u is in clear", p->number);
}

/* IKE-6: version and flags. */
void judge_header(struct monitor *m, const struct wire_packet *p)
{
    const struct watched_sa *sa = sa_of(m, p);
    bool says_it_began = (p->header.flags & IKE_FLAG_INITIATOR) != 0;
    if (p->header.version >> 4 != IKE_VERSION >> 4)
        monitor_found(m, "IKE-6", p, NULL, "major version 2", "packet %u has version %#x", p->number,
                      p->header.version);
    else if (sa && sa->cluster_spoke && sa->cluster_began == says_it_began)
        monitor_found(m, "IKE-6", p, NULL, "the initiator flag tells who began the IKE SA",
                      "packet %u has the initiator flag of the other side", p->number);
}

static const struct ike_payload *wrongly_critical(const struct ike_payloads *chain)
{
    for (size_t i = 0; chain && i < chain->count; i++)
        if (chain->list[i].critical && chain->list[i].type >= PAYLOAD_SA &&
            chain->list[i].type <= PAYLOAD_EAP)
            return &chain->list[i];
    return NULL;
}

/* IKE-11: the payloads of the base protocol are known to all. */
void judge_critical(struct monitor *m, const struct wire_packet *p)
{
    const struct ike_payload *wrong = wrongly_critical(p->outer);
    if (!wrong)
        wrong = wrongly_critical(p->inner);
    if (wrong)
        monitor_found(m, "IKE-11", p, NULL, "the critical bit of the base protocol's payloads is clear",
                      "packet %u has it set in %s", p->number, payload_name(wrong->type));
}
