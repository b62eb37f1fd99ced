#include "cli/check_words.h"

#include <stdio.h>
#include <string.h>

#include "ike/propose.h"

static const char *prefix_of(uint8_t type)
{
    switch (type) {
    case ID_FQDN:
        return "fqdn:";
    case ID_RFC822_ADDR:
        return "email:";
    case ID_IPV4_ADDR:
        return "ipv4:";
    case ID_IPV6_ADDR:
        return "ipv6:";
    case ID_DER_ASN1_DN:
        return "dn:";
    case ID_DER_ASN1_GN:
        return "gn:";
    default:
        return "keyid:";
    }
}

/* As they stand in peer.ini, for this slot. */
struct names {
    char id_peer[PEER_TEXT + 16], id_harness[PEER_TEXT + 16];
    char ts_harness[PEER_TEXT], behind[80];
    const char *address, *own;
    const char *proposal, *auth;
};

static struct names names_of(const struct peer_config *config, unsigned slot, const struct combination *c)
{
    char id[PEER_TEXT] = "";
    bool ipv6 = c && c->value[AXIS_FAMILY] == FAMILY_IPV6;
    const struct peer_address *address = ipv6 ? &config->ipv6 : &config->ipv4;
    struct names n = {.address = address->peer, .own = address->harness[slot]};
    n.proposal = algorithms_ike_proposal(c ? (enum algorithms)c->value[AXIS_ALGORITHMS] : 0);
    n.auth = axis_value_name(AXIS_AUTH, c ? c->value[AXIS_AUTH] : 0);
    peer_config_for_slot(config->id_harness, slot, id, sizeof id);
    snprintf(n.id_harness, sizeof n.id_harness, "%s%s", prefix_of(config->id_harness_type), id);
    snprintf(n.id_peer, sizeof n.id_peer, "%s%s", prefix_of(config->id_peer_type), config->id_peer);
    peer_config_for_slot(config->harness_ts, slot, n.ts_harness, sizeof n.ts_harness);
    peer_config_for_slot(config->behind_address, slot, n.behind, sizeof n.behind);
    return n;
}

static const char *name_of(uint16_t notify)
{
    const char *name = notify_name(notify);
    return name ? name : "an error that is not known here";
}

/* --- IKE_SA_INIT ------------------------------------------------------------------------------------ */

static void nothing_came(const struct peer_config *config, const struct names *n, bool peer_initiates,
                         char *out, size_t size)
{
    if (peer_initiates)
        snprintf(
            out, size,
            "the driver's initiate ended with 0, but no IKE_SA_INIT came from the peer to %s, port %u, in "
            "%u ms. Does the peer have that address as its remote end, and a route to it? Does a firewall "
            "let UDP through to this machine? Does the trigger do what it should?",
            n->own, config->harness_port, config->response_timeout_ms);
    else
        snprintf(
            out, size,
            "nothing came from %s, ports %u and %u, in %u ms. Is the peer up, and is that its address? Is "
            "there a route both ways? Do firewalls let UDP ports %u and %u through? Does the peer know %s as "
            "the other end? (Many say nothing to strangers; its log may tell.)",
            n->address, config->port, config->natt_port, config->response_timeout_ms, config->port,
            config->natt_port, n->own);
}

static void init_refused(const struct names *n, const struct checkup_session *s, char *out, size_t size)
{
    if (s->by_us)
        snprintf(out, size,
                 "the peer offers nothing that allows %s (we answered %s). Set it at the peer, or take it "
                 "out of ike "
                 "in [proposals].",
                 n->proposal, name_of(s->notify));
    else if (s->notify == NOTIFY_NO_PROPOSAL_CHOSEN)
        snprintf(out, size,
                 "no proposal chosen: the peer does not take %s. Encryption, integrity, PRF and key exchange "
                 "must all "
                 "be what the peer has: set it there, or take it out of ike in [proposals]. Some peers say "
                 "the same "
                 "when they have no connection for %s.",
                 n->proposal, n->own);
    else if (s->notify == NOTIFY_INVALID_KE_PAYLOAD)
        snprintf(
            out, size,
            "the peer wants another key exchange than that of %s (INVALID_KE_PAYLOAD). Set it there, or take "
            "it out of ike in [proposals].",
            n->proposal);
    else
        snprintf(out, size, "the peer refuses IKE_SA_INIT: %s. Its log may say why.", name_of(s->notify));
}

/* --- IKE_AUTH ------------------------------------------------------------------------------------- */

static void auth_silent(const struct peer_config *config, const struct names *n, bool peer_initiates,
                        char *out, size_t size)
{
    if (peer_initiates)
        snprintf(
            out, size,
            "the peer sent IKE_SA_INIT and was answered, but no IKE_AUTH came in %u ms. Does a firewall let "
            "UDP port %u through to this machine? Does the peer take our answer? Its log may tell.",
            config->response_timeout_ms, config->harness_natt_port);
    else
        snprintf(
            out, size,
            "IKE_SA_INIT was answered, IKE_AUTH was not in %u ms. Does a firewall let UDP port %u through, "
            "where "
            "the peer moves when it sees a NAT? Does the peer know the identity %s? (Some say nothing to one "
            "that they do not know, or whose AUTH is wrong; its log may tell.)",
            config->response_timeout_ms, config->natt_port, n->id_harness);
}

static void secret_differs(const struct names *n, char *out, size_t size)
{
    if (strcmp(n->auth, "psk") == 0)
        snprintf(
            out, size,
            "wrong pre-shared key: the peer's AUTH was not made with the one in peer.ini. Set psk or "
            "psk_file in "
            "[identity] and the peer's key for %s to the same octets, without a line end or quotes too many.",
            n->id_harness);
    else
        snprintf(
            out, size,
            "the peer's AUTH is wrong: its signature does not fit the certificate that it sent, or what it "
            "signed. Is its key that of its certificate?");
}

static void refused_by_us(const struct names *n, const struct checkup_session *s, char *out, size_t size)
{
    bool other_peer = s->peer_id[0] && strcmp(s->peer_id, n->id_peer) != 0;
    if (strstr(s->why, "AUTH is wrong"))
        secret_differs(n, out, size);
    else if (strstr(s->why, "another identity than ours"))
        snprintf(
            out, size,
            "the peer asks for another identity than %s. Set what it expects of its remote end to that, or "
            "write what it expects as harness in [identity].",
            n->id_harness);
    else if (other_peer)
        snprintf(out, size,
                 "the peer calls itself %s, and peer in [identity] says %s. Write the one or set the other.",
                 s->peer_id, n->id_peer);
    else
        snprintf(out, size, "the peer's IKE_AUTH could not be accepted (%s)%s%s.",
                 s->why[0] ? s->why : name_of(s->notify),
                 strcmp(n->auth, "psk") == 0 ? "" : ". It was to authenticate by ",
                 strcmp(n->auth, "psk") == 0 ? "" : n->auth);
}

static void auth_refused(const struct names *n, const struct checkup_session *s, char *out, size_t size)
{
    bool psk = strcmp(n->auth, "psk") == 0;
    if (s->by_us)
        refused_by_us(n, s, out, size);
    else if (s->notify == NOTIFY_AUTHENTICATION_FAILED || !s->notify)
        snprintf(
            out, size,
            "authentication failed, says the peer%s. Either %s; or the peer does not know %s (harness in "
            "[identity]); or it does not call itself %s (peer in [identity]).",
            s->notify ? " (AUTHENTICATION_FAILED)" : ": it ended the IKE SA",
            psk ? "the pre-shared key is not the same on both sides"
                : "it does not trust our certificate, or does not accept this kind of signature",
            n->id_harness, n->id_peer);
    else
        snprintf(out, size, "the peer refuses IKE_AUTH: %s. Its log may say why.", name_of(s->notify));
}

void check_words_failed(const struct peer_config *config, unsigned slot,
                        const struct combination *combination, const struct checkup_session *session,
                        char *out, size_t size)
{
    const struct names n = names_of(config, slot, combination);
    bool peer_initiates = combination->value[AXIS_ROLE] == ROLE_RESPONDER;
    switch (session->end) {
    case CHECKUP_UP:
        snprintf(out, size, "the IKE SA is up");
        return;
    case CHECKUP_IMPOSSIBLE:
        snprintf(out, size, "%s%s", session->why,
                 strstr(session->why, "bind")
                     ? ". harness in [address] must be an address of this machine, and ports "
                       "below 1024 take root or CAP_NET_BIND_SERVICE."
                     : "");
        return;
    case CHECKUP_NO_TRIGGER:
        snprintf(out, size, "the driver has no initiate");
        return;
    case CHECKUP_TRIGGER_FAILED:
        snprintf(out, size, "%s", session->why);
        return;
    case CHECKUP_NOTHING_CAME:
        nothing_came(config, &n, peer_initiates, out, size);
        return;
    case CHECKUP_INIT_REFUSED:
        init_refused(&n, session, out, size);
        return;
    case CHECKUP_AUTH_SILENT:
        auth_silent(config, &n, peer_initiates, out, size);
        return;
    case CHECKUP_AUTH_REFUSED:
        auth_refused(&n, session, out, size);
        return;
    case CHECKUP_OTHER:
        snprintf(out, size, "something came from the peer, but no IKE SA of it: %s.", session->why);
        return;
    }
}

/* --- Child SA and traffic --------------------------------------------------------------------------- */

void check_words_no_child(const struct peer_config *config, unsigned slot,
                          const struct checkup_session *session, char *out, size_t size)
{
    const struct names n = names_of(config, slot, NULL);
    if (session->child_notify == NOTIFY_TS_UNACCEPTABLE)
        snprintf(out, size,
                 "selectors not acceptable (TS_UNACCEPTABLE): for this connection the peer must protect %s "
                 "on its own "
                 "side and %s on ours, or [selectors] must say what it does protect.",
                 config->peer_ts, n.ts_harness);
    else if (session->child_notify == NOTIFY_NO_PROPOSAL_CHOSEN)
        snprintf(
            out, size,
            "no ESP proposal chosen: write what the peer has as esp in [proposals] (encryption, integrity, "
            "extended sequence numbers), or set one of those there.");
    else if (session->child_notify)
        snprintf(out, size, "the peer refuses the Child SA: %s. Its log may say why.",
                 name_of(session->child_notify));
    else
        snprintf(out, size,
                 "the IKE SA has no Child SA, and no error says why: the peer's message has no selectors or "
                 "a proposal "
                 "that was not offered, or the peer gave the Child SA up at once. Its log may tell.");
}

static bool holds(const char *selectors, const char *address)
{
    struct wire_selectors ts;
    struct endpoint e;
    return selectors_parse(selectors, &ts, NULL) && endpoint_parse(address, 0, &e, NULL) &&
           selectors_contain(&ts, e.family, e.address);
}

void check_words_no_echo(const struct peer_config *config, unsigned slot,
                         const struct checkup_traffic *traffic, char *out, size_t size)
{
    const struct names n = names_of(config, slot, NULL);
    const char *protected = config->protected_address;
    if (!holds(traffic->session.ts_peer, protected) || !holds(traffic->session.ts_harness, n.behind))
        snprintf(out, size,
                 "no echo: the peer narrowed the selectors to %s on its side and %s on ours, and a probe "
                 "goes from %s to "
                 "%s. Write selectors and addresses that the peer agrees to.",
                 traffic->session.ts_peer, traffic->session.ts_harness, n.behind, protected);
    else if (traffic->esp_packets)
        snprintf(
            out, size,
            "ESP came from the peer (%u packets), but no answer to an echo request from %s to %s. Is %s up, "
            "and does it answer pings? Does a firewall there stop ICMP?",
            traffic->esp_packets, n.behind, protected, protected);
    else
        snprintf(
            out, size,
            "no echo: %s was asked through ESP, and nothing came back. Does it answer a ping from the peer "
            "itself? "
            "Has the peer (and %s) a route to %s? Do the selectors of both sides hold both addresses? Does a "
            "firewall stop ICMP, or UDP port %u, in which ESP travels?",
            protected, protected, n.behind, config->natt_port);
}
