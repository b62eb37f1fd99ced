#include "driver/peer_config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "driver/peer_ini.h"
#include "suite/axes.h"

enum {
    MAX_LINE = 197,           /* inih's buffer of 200 octets holds the line's end, too */
    MAX_FILE = 1 << 20,       /* octets */
    MAX_LIST = MAX_LINE * 32, /* of a value with the lines that it goes on in */
};

/* inih tells its handler no line numbers, so it is fed line by line and the feeder counts. */
struct parse {
    struct peer_ini ini;
    const char *at; /* what is left of the text */
    unsigned line;
    bool indented;  /* the current line begins with a blank */
    bool key_above; /* in this section: an indented line then goes on with it */
    const struct peer_key *previous;
    char value[MAX_LIST]; /* of `previous` */
};

static bool fail_here(struct parse *p)
{
    return peer_ini_fail_at(&p->ini, p->line);
}

/* --- sections and keys --------------------------------------------------------------------------- */

/* "name, driver, ...": what stands in a section; of NULL, the sections. */
static void list_names(const char *section, char *out, size_t size)
{
    size_t n, len = 0;
    const struct peer_key *keys = peer_keys(&n);
    out[0] = '\0';
    for (size_t i = 0; i < n && len < size; i++) {
        bool listed =
            section ? strcmp(keys[i].section, section) == 0 : peer_ini_section(keys[i].section) == i;
        if (listed)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "",
                                    section ? keys[i].name : keys[i].section);
    }
}

static bool unknown_section(struct parse *p, const char *section)
{
    char known[128];
    list_names(NULL, known, sizeof known);
    fail(p->ini.err, "unknown section [%.40s]; there are %s", section, known);
    return fail_here(p);
}

static bool unknown_key(struct parse *p, const char *section, const char *name)
{
    char known[200];
    list_names(section, known, sizeof known);
    fail(p->ini.err, "unknown key \"%.40s\" in [%s]; there are %s", name, section, known);
    return fail_here(p);
}

/* --- values -------------------------------------------------------------------------------------- */

static bool take_value(struct parse *p, const struct peer_key *key, const char *value)
{
    if (key->take(&p->ini.reading, value, p->ini.err))
        return true;
    fail_within(p->ini.err, "%s", key->name);
    return fail_here(p);
}

static bool continue_value(struct parse *p, const struct peer_key *key, const char *value)
{
    if (!key || !key->is_list) {
        fail(p->ini.err,
             "an indented line goes on with the list before it, and \"%.40s\" is no list: take the blanks "
             "away",
             key ? key->name : "");
        return fail_here(p);
    }
    size_t len = strlen(p->value);
    bool comma = len > 0 && p->value[len - 1] != ',' && value[0] != ',';
    if (snprintf(p->value + len, sizeof p->value - len, "%s%s", comma ? ", " : " ", value) >=
        (int)(sizeof p->value - len)) {
        fail(p->ini.err, "%s: the list is too long", key->name);
        return fail_here(p);
    }
    return true;
}

/* A list is complete when the next key, or the end, is seen. */
static bool finish_value(struct parse *p)
{
    const struct peer_key *key = p->previous;
    p->previous = NULL;
    if (!key)
        return true;
    size_t len = strlen(p->value);
    while (len > 0 && (p->value[len - 1] == ',' || p->value[len - 1] == ' '))
        p->value[--len] = '\0';
    unsigned here = p->line;
    size_t n;
    p->line = p->ini.seen[key - peer_keys(&n)];
    bool good = take_value(p, key, p->value);
    p->line = here;
    return good;
}

static int handle(void *state, const char *section, const char *name, const char *value)
{
    struct parse *p = state;
    size_t n;
    if (p->ini.failed)
        return 0;
    if (p->indented && p->key_above)
        return continue_value(p, p->previous, value);
    if (!finish_value(p))
        return 0;
    if (section[0] == '\0') {
        fail(p->ini.err, "key \"%.40s\" stands before any section: write [peer] above it", name);
        return fail_here(p);
    }
    if (peer_ini_section(section) == PEER_MAX_KEYS)
        return unknown_section(p, section);
    const struct peer_key *key = peer_ini_key(section, name);
    if (!key)
        return unknown_key(p, section, name);
    unsigned *seen = &p->ini.seen[key - peer_keys(&n)];
    if (*seen) {
        fail(p->ini.err, "key \"%s\" in [%s] is there twice, first in line %u: keep one", name, section,
             *seen);
        return fail_here(p);
    }
    *seen = p->line;
    p->previous = key;
    p->key_above = true;
    snprintf(p->value, sizeof p->value, "%s", value);
    return 1;
}

/* --- lines --------------------------------------------------------------------------------------- */

/* inih calls nobody for a section without keys. */
static bool note_section(struct parse *p, const char *line, size_t len)
{
    const char *close = memchr(line, ']', len);
    char name[64];
    if (!close)
        return true; /* inih says what is wrong */
    snprintf(name, sizeof name, "%.*s", (int)(close - line - 1), line + 1);
    size_t section = peer_ini_section(name);
    if (section == PEER_MAX_KEYS)
        return unknown_section(p, name);
    p->ini.section_line[section] = p->line;
    p->key_above = false;
    return true;
}

static char *feed(char *out, int size, void *state)
{
    struct parse *p = state;
    if (*p->at == '\0' || p->ini.failed)
        return NULL;
    size_t len = strcspn(p->at, "\n"), whole = len + (p->at[len] == '\n');
    const char *line = p->at, *text = line + strspn(line, " \t");
    p->line++;
    p->at += whole;
    p->indented = text > line;
    if (len > MAX_LINE || whole >= (size_t)size) {
        fail(p->ini.err, "the line is longer than %d octets: let a list go on in indented lines", MAX_LINE);
        fail_here(p);
        return NULL;
    }
    if (*text == '[' && !(p->indented && p->key_above) && !note_section(p, text, len - (size_t)(text - line)))
        return NULL;
    memcpy(out, line, whole);
    out[whole] = '\0';
    return out;
}

/* --- the whole ----------------------------------------------------------------------------------- */

static void set_folder(struct peer_config *config, const char *path)
{
    const char *slash = strrchr(path, '/');
    int len = !slash ? 0 : slash == path ? 1 : (int)(slash - path);
    snprintf(config->folder, sizeof config->folder, "%.*s", len, path);
}

static bool parse_text(struct parse *p)
{
    int line = ini_parse_stream(feed, p, handle, p);
    if (line > 0 && (!p->ini.failed || (unsigned)line < p->ini.failed_line)) {
        fail(p->ini.err, "neither a [section] nor a line key = value");
        return peer_ini_fail_at(&p->ini, (unsigned)line);
    }
    if (p->ini.failed)
        return false;
    if (line != 0) {
        fail(p->ini.err, "out of memory");
        return peer_ini_fail_at(&p->ini, 0);
    }
    return finish_value(p) && peer_ini_check(&p->ini);
}

bool peer_config_parse(const char *text, const char *name, struct peer_config *out, struct error *err)
{
    struct error own;
    struct parse *p = calloc(1, sizeof *p);
    if (!p)
        return fail(err, "out of memory");
    *out = (struct peer_config){.port = 500,
                                .natt_port = 4500,
                                .harness_port = 500,
                                .harness_natt_port = 4500,
                                .slots = 1,
                                .auth = 1u << AUTH_BY_PSK,
                                .esp_carriages = 1u << ESP_IN_UDP,
                                .esp_preferred = ESP_IN_UDP,
                                .start_timeout_ms = 20000,
                                .response_timeout_ms = 2000,
                                .idle_ms = 1000,
                                .anti_replay = true};
    set_folder(out, name);
    p->ini.name = name;
    p->at = text;
    p->ini.reading.config = out;
    p->ini.err = err ? err : &own;
    bool good = parse_text(p);
    free(p);
    return good;
}

static char *read_file(const char *path, struct error *err)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        fail(err, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = malloc(MAX_FILE + 1);
    size_t len = text ? fread(text, 1, MAX_FILE + 1, file) : 0;
    bool broken = !text || ferror(file), too_long = len > MAX_FILE;
    if (!broken && !too_long)
        text[len] = '\0';
    fclose(file);
    if (broken)
        fail(err, "cannot read %s", path);
    else if (too_long)
        fail(err, "%s is longer than %d octets: is it a peer.ini?", path, MAX_FILE);
    else if (strlen(text) != len)
        fail(err, "%s holds a NUL octet: is it a peer.ini?", path);
    else
        return text;
    free(text);
    return NULL;
}

/* Each slot says INITIAL_CONTACT (RFC 7296 section 2.4), which takes the IKE SAs of the same identity away.
 */
static bool slots_are_told_apart(const char *file, const struct peer_config *config, struct error *err)
{
    return config->slots == 1 || strstr(config->id_harness, "%n") ||
           fail(err,
                "%s: harness in [identity] is the same for all %u slots: write %%n in it for their number",
                file, config->slots);
}

/* Somebody has to install what the test CA makes. */
static bool certificates_have_a_source(const char *file, const struct peer_config *config, struct error *err)
{
    return config->driver[0] || config->ca_file[0] || config->auth == 1u << AUTH_BY_PSK ||
           fail(err,
                "%s: auth in [identity] names certificates, and there is no driver that could give the peer "
                "those "
                "of the test CA: write ca =, certificate = and key =, the files of the cluster's side",
                file);
}

bool peer_config_read(const char *path, struct peer_config *out, struct error *err)
{
    char file[2 * PEER_TEXT];
    struct stat status;
    bool folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    size_t len = strlen(path);
    bool slash = len > 0 && path[len - 1] == '/';
    if (snprintf(file, sizeof file, "%s%s", path,
                 !folder ? ""
                 : slash ? "peer.ini"
                         : "/peer.ini") >= PEER_TEXT)
        return fail(err, "%.100s...: the name is too long; at most %d octets fit", path, PEER_TEXT - 1);
    char *text = read_file(file, err);
    bool good = text && peer_config_parse(text, file, out, err);
    free(text);
    return good && slots_are_told_apart(file, out, err) && certificates_have_a_source(file, out, err);
}
