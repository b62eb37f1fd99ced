#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the files --------------------------------------------------------------------------------------- */

static const char ini[] =
    "; A peer under test. docs/add-a-peer.md explains every key, docs/your-gateway.md the first steps.\n"
    "; `understudy check-peer %s` tries what stands here, and says what to fix.\n"
    "; %%n stands for the number of a slot (0, 1, ...); a list goes on in indented lines.\n"
    "\n"
    "[peer]\n"
    "name = %s\n"
    "; What pulls triggers at the peer. Without this line only what the cluster starts can be tested.\n"
    "driver = driver\n"
    "; How many cases play at once. Each slot needs an address and an identity of its own here, and a "
    "connection at the\n"
    "; peer: begin with one.\n"
    "slots = 1\n"
    "; How long the peer may take to answer. A box on a slow link needs more.\n"
    "response_timeout_ms = 2000\n"
    "\n"
    "[address]\n"
    "; The peer's outer address, and the one of this machine that the cluster speaks from. peer6 and "
    "harness6 beside them\n"
    "; for IPv6.\n"
    "peer = 192.0.2.1\n"
    "harness = 192.0.2.10\n"
    "; One more address of this machine, for members that speak from an address of their own.\n"
    ";other = 192.0.2.11\n"
    "port = 500\n"
    "natt_port = 4500\n"
    "; For cases with traffic: an inner address behind the peer that answers pings, and one behind the "
    "cluster, to which the\n"
    "; peer has a route. Both within [selectors].\n"
    ";protected = 10.1.0.1\n"
    ";behind = 10.2.0.1\n"
    "\n"
    "[identity]\n"
    "; fqdn:, email:, ipv4:, ipv6:, keyid:, dn: or gn: and the text. What the peer calls itself, and what it "
    "expects of the\n"
    "; other end.\n"
    "peer = fqdn:gateway.example\n"
    "harness = fqdn:cluster.example\n"
    "; How the peer can authenticate: psk, rsa, ecdsa, rsa-old, ecdsa-old.\n"
    "auth = psk\n"
    "; The file holds the key and nothing else, and only its owner may read it (chmod 600).\n"
    "psk_file = psk\n"
    "\n"
    "[proposals]\n"
    "; Cases are played with these five; take out what the peer cannot.\n"
    "ike = aes256gcm16-prfsha256-x25519, aes256-sha256-x25519,\n"
    "  aes256gcm16-prfsha256-ecp256, aes256-sha256-modp2048,\n"
    "  chacha20poly1305-prfsha256-x25519\n"
    "esp = aes256gcm16, aes256-sha256\n"
    "\n"
    "[selectors]\n"
    "; What is protected behind the peer, and behind the cluster.\n"
    "peer = 10.1.0.0/24\n"
    "harness = 10.2.0.0/24\n";

static const char driver[] =
    "#!/bin/bash\n"
    "# Driver of the peer %s: driver VERB [ARGUMENT]. docs/add-a-peer.md lists the verbs and the "
    "environment.\n"
    "#\n"
    "# Exit status 0: the trigger is pulled. 127: there is no such trigger here, and cases that need it are "
    "UNSUPPORTED.\n"
    "# Anything else: failed, and the last line on standard error says why. Uncomment what the peer can do, "
    "and write how.\n"
    "# UNDERSTUDY_SLOT is the slot that a trigger is for, UNDERSTUDY_STATE a private folder, "
    "UNDERSTUDY_PSK_FILE the key.\n"
    "set -u\n"
    "\n"
    "fail() { # MESSAGE\n"
    "    printf '%%s\\n' \"$*\" >&2\n"
    "    exit 1\n"
    "}\n"
    "\n"
    "case ${1:-} in\n"
    "# Brings the peer up, anew if it is up already, and prints facts (key=value): peer_address=, version=, "
    "... A box that\n"
    "# is always up has nothing to do here.\n"
    "start) ;;\n"
    "# Takes it down and leaves nothing behind; also after a start that failed, also twice.\n"
    "stop) ;;\n"
    "\n"
    "# version) ssh admin@gateway show version | head -n 1 ;;\n"
    "# initiate) ssh admin@gateway connect \"cluster$UNDERSTUDY_SLOT\" || fail \"the gateway refuses to "
    "connect\" ;;\n"
    "# liveness) ;;\n"
    "# rekey-ike) ;;\n"
    "# rekey-child) ;;\n"
    "# add-child) ;;\n"
    "# delete-child) ;;\n"
    "# delete) ;;\n"
    "# status) ;;\n"
    "# logs) ;;\n"
    "*) exit 127 ;;\n"
    "esac\n";

/* --- writing them -------------------------------------------------------------------------------------- */

static bool is_a_name(const char *name)
{
    size_t len = strlen(name);
    bool good = len > 0 && len < 64 && name[0] != '.' && name[0] != '-';
    for (size_t i = 0; i < len; i++)
        good = good && (isalnum((unsigned char)name[i]) || strchr("._-", name[i]));
    return good;
}

struct template_file {
    const char *name;
    int mode;
};
static const struct template_file files[] = {{"peer.ini", 0644}, {"driver", 0755}, {"psk", 0600}};
enum { N_FILES = sizeof files / sizeof *files };

static void print_content(FILE *out, const char *file, const char *folder, const char *name)
{
    if (strcmp(file, "peer.ini") == 0)
        fprintf(out, ini, folder, name);
    else if (strcmp(file, "driver") == 0)
        fprintf(out, driver, name);
    else
        fputs("write the pre-shared key here\n", out);
}

static bool write_one(const struct template_file *file, const char *folder, const char *name,
                      struct error *err)
{
    char path[PATH_MAX], partial[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, file->name) >= (int)sizeof path ||
        snprintf(partial, sizeof partial, "%s/.%s.partial", folder, file->name) >= (int)sizeof partial)
        return fail(err, "%.100s...: the name is too long", folder);
    unlink(partial);
    int fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->mode);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out) {
        fail(err, "cannot write %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    print_content(out, file->name, folder, name);
    bool good = fflush(out) == 0;
    int why = errno;
    fclose(out);
    if (good && rename(partial, path) == 0)
        return true;
    fail(err, "cannot write %s: %s", path, strerror(good ? errno : why));
    unlink(partial);
    return false;
}

/* An existing peer is somebody's work. */
static bool is_free(const char *folder, struct error *err)
{
    for (size_t i = 0; i < N_FILES; i++) {
        char path[PATH_MAX + 16];
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        if (access(path, F_OK) == 0)
            return fail(err, "%s exists: choose another name, or say --force to replace it", path);
    }
    return true;
}

static bool write_template(const char *folder, const char *name, bool force, struct error *err)
{
    if (!force && !is_free(folder, err))
        return false;
    if (mkdir(folder, 0777) < 0 && errno != EEXIST)
        return fail(err, "cannot make folder %s: %s", folder, strerror(errno));
    for (size_t i = 0; i < N_FILES; i++)
        if (!write_one(&files[i], folder, name, err))
            return false;
    return true;
}

enum { OPT_FORCE = 1 };

static const struct cli_option options[] = {
    {"force", OPT_FORCE, NULL, "replace peer.ini, driver and psk that exist"},
    {0},
};

static int peer_template(const struct cli_command *command, int argc, char **argv)
{
    const char *value;
    bool force = false;
    int key, status;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END) {
        if (key == CLI_STOP)
            return status;
        force = true;
    }
    if (optind + 1 != argc)
        return cli_usage_error(command, "peer-template takes a name: that of the folder to write");
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", argv[optind]);
    for (size_t len = strlen(folder); len > 1 && folder[len - 1] == '/'; len--)
        folder[len - 1] = '\0';
    const char *slash = strrchr(folder, '/'), *name = slash ? slash + 1 : folder;
    if (!is_a_name(name))
        return cli_usage_error(
            command, "\"%.80s\" is no name for a peer: letters, digits, '.', '_' and '-', up to 63", name);
    struct error err = {0};
    if (!write_template(folder, name, force, &err)) {
        fprintf(stderr, "understudy peer-template: %s\n", err.text);
        return EXIT_USAGE;
    }
    printf("%s/peer.ini: write addresses, identities, proposals and selectors there\n"
           "%s/psk: and the pre-shared key there\n"
           "%s/driver: what the peer can be made to do, if anything\n"
           "then: understudy check-peer %s\n",
           folder, folder, folder, folder);
    return EXIT_CONFORMS;
}

const struct cli_command command_peer_template = {
    .name = "peer-template",
    .arguments = "NAME",
    .summary = "Writes a folder with a commented peer.ini and a driver to begin with",
    .options = options,
    .notes = "NAME may have a path before it. Nothing that exists is replaced without --force.",
    .run = peer_template,
};
