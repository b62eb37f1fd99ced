/* [identity] of peer.ini: who the two are, and how they prove it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "driver/peer_values.h"
#include "driver/secret_file.h"
#include "suite/axes.h"

/* --- who they are --------------------------------------------------------------------------------- */

static bool take_identity(const char *value, uint8_t *type, char out[PEER_TEXT], struct error *err)
{
    static const struct {
        const char *word;
        uint8_t type;
    } kinds[] = {{"fqdn", ID_FQDN},      {"email", ID_RFC822_ADDR}, {"ipv4", ID_IPV4_ADDR},
                 {"ipv6", ID_IPV6_ADDR}, {"keyid", ID_KEY_ID},      {"dn", ID_DER_ASN1_DN},
                 {"gn", ID_DER_ASN1_GN}};
    const char *colon = strchr(value, ':');
    *type = colon ? 0 : ID_FQDN;
    for (size_t i = 0; colon && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strlen(kinds[i].word) == (size_t)(colon - value) &&
            strncmp(value, kinds[i].word, (size_t)(colon - value)) == 0)
            *type = kinds[i].type;
    if (*type == 0)
        return fail(err,
                    "\"%.64s\" is not an identity; write fqdn:, email:, ipv4:, ipv6:, keyid:, dn: or gn: and "
                    "its text",
                    value);

    char last[PEER_TEXT];
    uint8_t octets[PEER_TEXT];
    size_t len;
    const char *text = colon ? colon + 1 : value;
    if (!take_text(text, out, PEER_TEXT, err))
        return false;
    if (!peer_config_for_slot(text, PEER_MAX_SLOTS - 1, last, sizeof last) ||
        !peer_identity_octets(*type, last, octets, sizeof octets, &len))
        return fail(err, "\"%.64s\" is not an identity of the kind %.*s", text, (int)(text - value - 1),
                    value);
    return true;
}

bool take_id_peer(struct peer_reading *r, const char *value, struct error *err)
{
    return take_identity(value, &r->config->id_peer_type, r->config->id_peer, err);
}

bool take_id_harness(struct peer_reading *r, const char *value, struct error *err)
{
    return take_identity(value, &r->config->id_harness_type, r->config->id_harness, err);
}

/* --- how they prove it ---------------------------------------------------------------------------- */

static bool take_auth_word(struct peer_reading *r, const char *word, struct error *err)
{
    uint8_t by;
    char known[96] = "";
    if (axis_value_parse(AXIS_AUTH, word, &by)) {
        r->config->auth |= 1u << by;
        return true;
    }
    for (unsigned v = 0; v < axis_values(AXIS_AUTH); v++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", v ? ", " : "",
                 axis_value_name(AXIS_AUTH, v));
    return fail(err, "\"%.40s\" is no way to authenticate; there are %s", word, known);
}

bool take_auth(struct peer_reading *r, const char *value, struct error *err)
{
    r->config->auth = 0;
    r->auth_given = true;
    return take_words(r, value, take_auth_word, err);
}

bool take_ca(struct peer_reading *r, const char *value, struct error *err)
{
    return take_path(r->config, value, r->config->ca_file, sizeof r->config->ca_file, err);
}

bool take_certificate(struct peer_reading *r, const char *value, struct error *err)
{
    return take_path(r->config, value, r->config->certificate_file, sizeof r->config->certificate_file, err);
}

bool take_key(struct peer_reading *r, const char *value, struct error *err)
{
    return take_path(r->config, value, r->config->key_file, sizeof r->config->key_file, err);
}

/* --- the pre-shared key --------------------------------------------------------------------------- */

static bool only_one_psk(struct peer_reading *r, struct error *err)
{
    if (r->psk_given)
        return fail(err, "there are both psk and psk_file: keep one");
    r->psk_given = true;
    return true;
}

bool take_psk(struct peer_reading *r, const char *value, struct error *err)
{
    return only_one_psk(r, err) && take_text(value, r->config->psk, sizeof r->config->psk, err);
}

/* Of one line; its end is not part of the key. */
static bool read_psk(int fd, const char *path, char psk[PEER_TEXT], struct error *err)
{
    ssize_t len = read(fd, psk, PEER_TEXT);
    if (len < 0)
        return fail(err, "cannot read %.180s: %s", path, strerror(errno));
    if (len == PEER_TEXT)
        return fail(err, "%.180s is too long; at most %d octets fit", path, PEER_TEXT - 2);
    if (len > 0 && psk[len - 1] == '\n')
        len--;
    if (len > 0 && psk[len - 1] == '\r')
        len--;
    psk[len] = '\0';
    if (len == 0)
        return fail(err, "%.180s is empty: write the pre-shared key into it", path);
    return strlen(psk) == (size_t)len || fail(err, "%.180s holds a NUL octet; a key is text", path);
}

bool take_psk_file(struct peer_reading *r, const char *value, struct error *err)
{
    char path[2 * PEER_TEXT];
    if (!only_one_psk(r, err) || !take_path(r->config, value, path, sizeof path, err))
        return false;
    int fd = secret_file_open(path, true, err);
    if (fd < 0)
        return false;
    bool good = read_psk(fd, path, r->config->psk, err);
    close(fd);
    return good;
}
