#include "driver/pki_files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/cipher.h"
#include "driver/secret_file.h"

enum { MAX_PEM = 64 * 1024 };

/* --- reading ------------------------------------------------------------------------------------- */

/* A text of at most MAX_PEM octets, on the heap; wiped and freed by the caller. */
static char *read_text(const char *path, bool secret, struct error *err)
{
    int fd = secret_file_open(path, secret, err);
    if (fd < 0)
        return NULL;
    char *text = calloc(1, MAX_PEM + 1);
    if (!text || read(fd, text, MAX_PEM) < 0) {
        fail(err, "cannot read %.200s: %s", path, strerror(errno));
        free(text);
        text = NULL;
    }
    close(fd);
    return text;
}

static void forget_text(char *text)
{
    if (text)
        crypto_wipe(text, MAX_PEM);
    free(text);
}

static struct certificate *read_certificate(const char *path, struct error *err)
{
    char *text = read_text(path, false, err);
    struct certificate *c = text ? certificate_read_pem(text, err) : NULL;
    if (text && !c)
        fail_within(err, "%.200s", path);
    forget_text(text);
    return c;
}

static struct signing_key *read_key(const char *path, struct error *err)
{
    char *text = read_text(path, true, err);
    struct signing_key *key = text ? signing_key_read(text, err) : NULL;
    if (text && !key)
        fail_within(err, "%.200s", path);
    forget_text(text);
    return key;
}

static bool path_for(const char *pattern, unsigned slot, char out[PATH_MAX], struct error *err)
{
    return peer_config_for_slot(pattern, slot, out, PATH_MAX) || fail(err, "the path is too long");
}

bool pki_read_files(const struct peer_config *config, unsigned slot, struct certificate **anchor,
                    struct pki_end *cluster, struct error *err)
{
    char path[PATH_MAX];
    *cluster = (struct pki_end){0};
    *anchor = read_certificate(config->ca_file, err);
    if (!*anchor)
        return fail_within(err, "ca");
    if (path_for(config->certificate_file, slot, path, err))
        cluster->certificate = read_certificate(path, err);
    if (!cluster->certificate)
        fail_within(err, "certificate");
    else if (path_for(config->key_file, slot, path, err))
        cluster->key = read_key(path, err);
    if (cluster->certificate && !cluster->key)
        fail_within(err, "key");
    if (cluster->key && certificate_is_of(cluster->certificate, cluster->key))
        return true;
    if (cluster->key)
        fail(err, "key: %.200s is not the key of the certificate", path);
    signing_key_free(cluster->key);
    certificate_free(cluster->certificate);
    certificate_free(*anchor);
    *cluster = (struct pki_end){0};
    *anchor = NULL;
    return false;
}

/* --- checking ------------------------------------------------------------------------------------ */

static bool fits_auth(const struct peer_config *config, const struct pki_end *cluster, struct error *err)
{
    for (unsigned by = 0; by < axis_values(AXIS_AUTH); by++) {
        enum key_kind kind;
        if ((config->auth & 1u << by) && auth_needs_certificates((enum auth_by)by, &kind) &&
            kind != signing_key_kind(cluster->key))
            return fail(err, "key: %.150s is no key for %s, which auth names", config->key_file,
                        axis_value_name(AXIS_AUTH, by));
    }
    return true;
}

/* The peer would refuse it, and say less about it. */
static bool names_cluster(const struct peer_config *config, unsigned slot, const struct pki_end *cluster,
                          struct error *err)
{
    char id[PEER_TEXT];
    uint8_t octets[PEER_TEXT];
    size_t len;
    return (peer_config_for_slot(config->id_harness, slot, id, sizeof id) &&
            peer_identity_octets(config->id_harness_type, id, octets, sizeof octets, &len) &&
            certificate_names(cluster->certificate, config->id_harness_type, octets_of(octets, len), err)) ||
           fail_within(err, "certificate: slot %u, harness = %.80s", slot, id);
}

bool pki_check_files(const struct peer_config *config, struct error *err)
{
    bool good = true;
    for (unsigned slot = 0; good && slot < config->slots; slot++) {
        struct certificate *anchor;
        struct pki_end cluster;
        if (!pki_read_files(config, slot, &anchor, &cluster, err))
            return false;
        good = fits_auth(config, &cluster, err) && names_cluster(config, slot, &cluster, err);
        certificate_free(anchor);
        certificate_free(cluster.certificate);
        signing_key_free(cluster.key);
    }
    return good;
}

/* --- writing ------------------------------------------------------------------------------------- */

/* Takes the text over. */
static bool write_text(const char *folder, const char *what, const char *kind, const char *suffix, char *text,
                       struct error *err)
{
    char path[PATH_MAX];
    if (!text)
        return fail(err, "out of memory");
    int n = snprintf(path, sizeof path, "%s/%s-%s.%s", folder, what, kind, suffix);
    bool written = n < (int)sizeof path ? secret_file_write(path, text, err)
                                        : fail(err, "folder %.100s...: the name is too long", folder);
    crypto_wipe(text, strlen(text));
    free(text);
    return written;
}

static bool write_set(const struct pki_set *set, const char *kind, const char *folder, struct error *err)
{
    return write_text(folder, "ca", kind, "pem", certificate_write_pem(test_ca_certificate(set->ca)), err) &&
           write_text(folder, "peer", kind, "pem", certificate_write_pem(set->peer.certificate), err) &&
           write_text(folder, "peer", kind, "key", signing_key_write(set->peer.key), err);
}

bool pki_write(const struct pki *pki, const char *folder, struct error *err)
{
    static const char *const names[] = {[KEY_KIND_RSA] = "rsa", [KEY_KIND_ECDSA] = "ecdsa"};
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return fail(err, "cannot make folder %s: %s", folder, strerror(errno));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (pki->sets[i].ca && !write_set(&pki->sets[i], names[i], folder, err))
            return false;
    return true;
}
